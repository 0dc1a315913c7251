"""Blind human evaluation: what is rated, by whom, and that nobody can tell whose it is."""
