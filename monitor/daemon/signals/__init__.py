"""Signals: what arrives regularly, and whose end must be told."""
