"""Sections of the benchmark; each yields its figures as they are measured."""
