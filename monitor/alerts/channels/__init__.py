"""Channels that deliver alerts."""
