"""Results as documents of JSON's types."""

import math
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def to_document(value: Any) -> Any:
    """Return a result in JSON's types; ``None`` for numbers that are undefined or infinite."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    elif isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: to_document(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_document(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
