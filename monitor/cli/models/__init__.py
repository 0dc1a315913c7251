"""`driftwarden models`."""
