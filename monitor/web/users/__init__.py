"""User management pages."""
