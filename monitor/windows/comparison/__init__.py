"""Comparison of a window with its baseline."""
