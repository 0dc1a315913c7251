"""Copies of a whole database: to another database, into a backup, and back."""
