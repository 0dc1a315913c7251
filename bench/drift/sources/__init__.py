"""Data sets of the benchmark beside the user's own."""
