"""What is measured of an answer; :mod:`retrain.metrics.catalogue` has the names."""
