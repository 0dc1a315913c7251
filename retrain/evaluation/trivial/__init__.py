"""Trivial systems, which respond without a skill, and what they score on a benchmark."""
