"""Gates that a candidate must pass."""
