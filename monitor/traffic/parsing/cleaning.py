"""Cleaning of texts for storage: NUL, lone surrogates, length."""

import json
import math
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
#: Ids and names are indexed; PostgreSQL rejects index rows over a few kilobytes.
MAX_NAME_CHARACTERS = 256
MAX_ATTRIBUTES = 100
MAX_INTEGER = 2**63


def clean_text(text: str, max_characters: int) -> tuple[str, bool]:
    """Return the text without NUL and lone surrogates, and whether it was truncated."""
    cut = len(text) > max_characters
    if cut:
        text = text[:max_characters]
    if "\x00" in text:
        text = text.replace("\x00", REPLACEMENT)
    if not text.isascii():
        # Halves of a pair that came as two escapes join; lone ones are replaced.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text, cut


def clean_name(text: str) -> str:
    """Return an id or name, cleaned and truncated to what an index takes."""
    if text.isascii() and len(text) <= MAX_NAME_CHARACTERS and "\x00" not in text:
        return text  # most
    return clean_text(text, MAX_NAME_CHARACTERS)[0]


def clean_attributes(attributes: dict[Any, Any], max_characters: int) -> dict[str, Any]:
    """Return attributes with single values: nested values become JSON text, nulls are dropped."""
    cleaned: dict[str, Any] = {}
    for key, value in attributes.items():
        if value is None:
            continue
        if len(cleaned) == MAX_ATTRIBUTES:
            break
        cleaned[clean_name(str(key))] = _clean_value(value, max_characters)
    return cleaned


def _clean_value(value: Any, max_characters: int) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int):
        # Too large for a column; a text isn't taken for a metric.
        return value if abs(value) < MAX_INTEGER else f"integer of {value.bit_length()} bits"
    if not isinstance(value, str):
        value = _as_json(value)
    return clean_text(value, max_characters)[0]


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (RecursionError, ValueError):
        return f"[{type(value).__name__}]"
