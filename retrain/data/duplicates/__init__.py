"""Duplicate training examples."""
