"""Staged rollout of a version."""
