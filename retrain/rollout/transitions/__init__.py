"""Transitions of a rollout, each in the caller's transaction.

Each function writes rows only; :mod:`retrain.rollout.apply` sends the weights afterwards.
"""
