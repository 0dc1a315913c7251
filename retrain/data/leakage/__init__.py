"""Leakage of benchmark items into training data."""
