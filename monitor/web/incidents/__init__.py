"""The incident page."""
