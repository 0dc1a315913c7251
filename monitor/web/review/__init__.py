"""Review queue, review items and discussions."""
