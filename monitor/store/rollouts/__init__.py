"""Rows of rollouts that ingest and measurement share."""
