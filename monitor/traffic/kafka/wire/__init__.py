"""Kafka's record batches, sampled while they are unpacked."""
