"""Comparison of exchanges in Python: containers, encoders, settings and the result."""
