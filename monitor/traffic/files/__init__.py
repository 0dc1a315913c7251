"""Files of exchanges."""
