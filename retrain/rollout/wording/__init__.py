"""Wording of rollouts, the same on page, terminal and in Slack."""
