"""Metrics of responses; :mod:`retrain.evaluation.metrics.catalogue` lists their names."""
