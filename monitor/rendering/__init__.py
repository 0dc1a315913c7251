"""Wording and excerpts shared by terminal, page and Slack."""
