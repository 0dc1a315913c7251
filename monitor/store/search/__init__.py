"""Full-text index of stored exchanges, and queries of it."""
