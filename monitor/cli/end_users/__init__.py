"""Commands of end users' ids and of the suppression list."""
