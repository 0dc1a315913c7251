"""Benchmark of the drift tests on a user's own labelled data."""
