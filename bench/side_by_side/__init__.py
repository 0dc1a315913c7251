"""driftwarden and Evidently as their users call them, on the same exchanges."""
