"""Ingest loop: sample, decode, redact, embed, store."""
