"""Measurements of rollouts."""
