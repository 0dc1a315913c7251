"""Comparison of one number per sample."""
