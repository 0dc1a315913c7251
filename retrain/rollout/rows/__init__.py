"""Queries of rollouts, experiments, weights and observations."""
