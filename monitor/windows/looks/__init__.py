"""Looks: searches of the last 24 hours for a large change, before the window ends."""
