"""Batch progress, incidents and model versions."""
