"""Figures of the erasure of end users."""
