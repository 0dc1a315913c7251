"""Selection of exchanges for review."""
