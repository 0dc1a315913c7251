"""Retraining decisions from reviewed items."""
