"""Histories of signals for tests."""
