"""Kafka's record batches as they come over the wire: sampled while they are unpacked."""
