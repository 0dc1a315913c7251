"""Erasure of personal data: by end user on request, and by age."""
