"""`driftwarden review`."""
