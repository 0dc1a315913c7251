"""Probes: a fixed set of prompts, sent to the live endpoint and compared with a reference."""
