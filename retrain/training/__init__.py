"""Training runs, and fine-tuning in their child processes."""
