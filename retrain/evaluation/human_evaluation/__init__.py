"""Results of blind human evaluations."""
