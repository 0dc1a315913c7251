"""Proof of erasure: what erasures searched for is remembered as keyed fingerprints."""
