"""Queries of probes: sets, runs and requests."""
