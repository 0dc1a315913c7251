"""Privileges in the database."""
