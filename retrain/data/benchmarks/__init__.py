"""Benchmarks: their data sets, read and checked."""
