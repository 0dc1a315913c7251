"""Intervals and corrections that judge models."""
