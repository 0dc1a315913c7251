"""Registry of model versions, and its MLflow mirror."""
