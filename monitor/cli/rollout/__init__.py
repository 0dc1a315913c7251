"""`driftwarden rollout`."""
