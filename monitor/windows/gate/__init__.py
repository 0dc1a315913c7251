"""A comparison as a gate: fixed rules, segments, and the checks that decide the exit status."""
