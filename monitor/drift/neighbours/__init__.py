"""Nearest neighbours within and between windows."""
