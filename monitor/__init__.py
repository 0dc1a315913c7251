"""driftwarden: drift monitoring, expert review and retraining for fine-tuned LLMs."""
