"""Blind human evaluations."""
