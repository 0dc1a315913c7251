"""Ingest of production traffic: sampling, decoding, redaction, embedding, storage."""
