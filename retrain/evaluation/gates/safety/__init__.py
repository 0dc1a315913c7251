"""Doubts about safety suites and the responses to them."""
