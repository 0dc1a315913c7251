"""Fields of a form that was sent."""

from collections.abc import Mapping
from typing import Any


def text_of(data: Mapping[str, Any], name: str) -> str:
    """Return the text of a field, the last of several, or nothing where it is missing."""
    value = data.get(name, "")
    return str(value[-1] if isinstance(value, list) and value else value or "")
