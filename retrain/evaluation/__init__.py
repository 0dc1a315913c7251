"""Candidate evaluation: benchmarks, metrics, gates and results."""
