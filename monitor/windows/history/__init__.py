"""Earlier windows of a model."""
