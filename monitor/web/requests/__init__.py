"""Requests of end users."""
