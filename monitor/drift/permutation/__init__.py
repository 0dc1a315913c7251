"""Permutation tests on sketches of both windows."""
