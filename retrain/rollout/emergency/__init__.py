"""Reverts that wait for no look: by hand at once, and by probes of the canary."""
