"""Queries for erasure and retention."""
