"""Capacity: the resources that a volume of traffic needs, by measured constants."""
