"""Benchmark items that leak into training data."""
