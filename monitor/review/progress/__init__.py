"""Progress of review batches."""
