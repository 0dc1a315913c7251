"""End users' ids: their forms, pseudonyms and keys, and the suppression list."""
