"""Readers of files: the texts in a file of any kind, streamed and bounded."""
