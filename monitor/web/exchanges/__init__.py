"""Search of stored exchanges, and an exchange."""
