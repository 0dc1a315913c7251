"""Measurements of drift detection."""
