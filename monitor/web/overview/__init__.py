"""The first page: all models, and the daemon."""
