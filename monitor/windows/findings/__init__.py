"""Findings of a comparison: families, remarks and headline, and arrays per exchange."""
