"""Drift evaluations: windows over time, verdict and prompt map."""
