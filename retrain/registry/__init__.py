"""The registry of model versions, its rules and its MLflow mirror."""
