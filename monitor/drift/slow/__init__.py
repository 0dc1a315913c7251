"""Slow drift over many windows."""
