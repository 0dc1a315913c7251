"""Gates of a candidate."""
