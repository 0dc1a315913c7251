"""Templates: constant beginnings and ends around texts."""

from monitor.explanations.templates.detection import find_templates

__all__ = ["find_templates"]
