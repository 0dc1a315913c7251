"""Checks of a recipe and its examples before training."""
