"""Measurements of retraining."""
