"""Retraining: dataset, training child, evaluation, gates, registry and rollout."""
