"""Measurements of the drift evaluation of stored windows, and of the comparison of files."""
