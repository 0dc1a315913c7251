"""Constants of the capacity model (`driftwarden sizing`), and points that test it."""
