"""Base models and adapters as folders, and their answers."""
