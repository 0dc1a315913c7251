"""Measurements of ingest."""
