"""Queries on users, invitations and sessions."""
