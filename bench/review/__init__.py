"""Measurements of expert review."""
