"""Input drift."""
