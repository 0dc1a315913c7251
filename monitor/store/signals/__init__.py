"""Queries of the counts of signals."""
