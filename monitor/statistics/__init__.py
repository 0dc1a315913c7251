"""Shared statistics: intervals, multiplicity, agreement and resampling."""
