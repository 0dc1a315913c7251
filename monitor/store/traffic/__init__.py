"""Queries on exchanges, baselines, offsets and dead letters."""
