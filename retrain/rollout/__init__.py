"""Staged rollouts of versions."""
