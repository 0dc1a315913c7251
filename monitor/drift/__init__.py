"""Drift statistics on arrays: no SQL, no Kafka, no settings. Usable alone, in a notebook."""
