"""Launchers and life cycle of child processes for training and evaluation."""
