"""Queries on drift evaluations."""
