"""Training runs: their rows, their folders, and what becomes of both."""
