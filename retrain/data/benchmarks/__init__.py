"""Data sets of benchmarks."""
