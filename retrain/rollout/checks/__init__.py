"""Checks of a canary against the stable version: evidence and decision; arrays only."""
