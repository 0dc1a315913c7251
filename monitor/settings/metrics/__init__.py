"""Metrics of production, as the configuration names them."""
