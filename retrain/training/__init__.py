"""Training runs and the fine-tuning in their children."""
