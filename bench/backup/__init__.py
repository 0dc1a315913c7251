"""Backups, restorations and copies of a database, timed."""
