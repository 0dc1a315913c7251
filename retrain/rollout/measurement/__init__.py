"""Measurement of rollouts: from observations in SQL to evidence and decision."""
