"""Yearly digest."""
