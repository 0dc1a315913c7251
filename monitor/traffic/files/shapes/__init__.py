"""Shapes of the objects in files."""

from monitor.traffic.files.shapes.detection import detect_shape
from monitor.traffic.files.shapes.shape import Shape

__all__ = ["Shape", "detect_shape"]
