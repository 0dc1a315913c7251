"""Evaluation of a candidate: benchmarks, metrics, gates and results."""
