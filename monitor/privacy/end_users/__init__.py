"""An end user: spellings of the id, stored rows, the suppression list."""
