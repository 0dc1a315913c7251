"""Export for an end user: everything stored about one end user, and nothing of others."""
