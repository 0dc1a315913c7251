"""Queries on blind human evaluations."""
