"""Base models and adapters as folders, and generation."""
