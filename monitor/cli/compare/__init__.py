"""`driftwarden compare`: drift between two files, without a daemon or a database."""
