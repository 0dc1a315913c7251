"""Types of settings: durations, levels, addresses, and the section that all sections extend."""
