"""Declarative base of all tables, and the types of their columns."""
