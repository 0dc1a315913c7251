"""Candidate evaluations."""
