"""Jobs of rollouts in the daemon's schedule."""
