"""How an assessment reads: as a page, in a terminal, in words."""
