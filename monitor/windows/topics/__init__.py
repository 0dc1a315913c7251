"""Topics of a drifted window."""
