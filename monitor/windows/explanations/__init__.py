"""Explanations of a comparison: instructions, what the texts show, and the test of the rest."""
