"""Versions of a model: their labels, and when each served."""
