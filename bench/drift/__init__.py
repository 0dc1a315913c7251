"""Benchmark of the drift tests on public and synthetic data, beside their peers."""
