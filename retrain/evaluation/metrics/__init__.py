"""What is measured of an answer; :mod:`retrain.evaluation.metrics.catalogue` has the names."""
