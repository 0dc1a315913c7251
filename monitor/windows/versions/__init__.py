"""Model versions within a window."""
