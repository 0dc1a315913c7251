"""`driftwarden sizing`: the command and its table."""
