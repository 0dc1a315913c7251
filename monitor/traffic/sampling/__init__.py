"""Sampling of records before decoding."""
