"""Rollouts of the demo: gateway, live traffic, and the daemon's steps."""
