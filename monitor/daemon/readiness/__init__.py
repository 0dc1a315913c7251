"""Readiness checks of everything that the daemon needs."""
