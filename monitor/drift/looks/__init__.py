"""Large changes within a day, by tests that are valid at any number of looks."""
