"""Queries on training runs, candidates, versions and rollouts."""
