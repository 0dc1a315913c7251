"""Measurements of the probes: false incidents a year, and swaps found within a day."""
