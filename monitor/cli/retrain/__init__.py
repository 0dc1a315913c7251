"""`driftwarden retrain`."""
