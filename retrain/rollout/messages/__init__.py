"""Slack messages of rollouts, and their buttons."""
