"""Measurements of driftwarden against its goals: ``python -m bench``."""
