"""Output drift given the input."""
