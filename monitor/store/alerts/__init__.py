"""Queries on incidents and the outbox."""
