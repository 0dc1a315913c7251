"""Reverts without the daemon, or without the database."""
