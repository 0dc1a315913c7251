"""Retraining decisions."""
