"""Incidents, the outbox, and Slack."""
