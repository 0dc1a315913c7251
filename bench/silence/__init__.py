"""Game days: what is told of drawn faults, in which time, and what is told wrongly."""
