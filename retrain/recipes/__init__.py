"""What a run is to do, written down, and what to try next."""
