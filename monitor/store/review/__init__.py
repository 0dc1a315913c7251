"""Queries on review batches, items, reviews and gold."""
