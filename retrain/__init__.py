"""Retraining: training data, training runs, candidate evaluation, registry and rollout."""
