"""Fine-tuning itself, inside the child."""
