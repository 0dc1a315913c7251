"""Shapes of the objects in files."""

from monitor.traffic.files.shapes.detection import detect_shape

__all__ = ["detect_shape"]
