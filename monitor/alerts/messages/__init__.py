"""Messages of incidents, decisions and gate results."""
