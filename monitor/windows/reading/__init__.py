"""Windows and baselines, read from the store or from files."""
