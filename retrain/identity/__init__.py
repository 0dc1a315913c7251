"""Identity of a version by the contents of its files, and its comparison with what is there."""
