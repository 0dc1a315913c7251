"""Statistics shared by drift, review and retraining."""
