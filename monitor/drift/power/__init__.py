"""Power: the smallest drifted share that windows of given sizes would show."""
