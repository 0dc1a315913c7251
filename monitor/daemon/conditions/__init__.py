"""Conditions that are incidents of their own: evaluations, traffic, messages, training, review."""
