"""Keys beside the texts that objects of several shapes have: id, time, model, user."""

from typing import Any

from monitor.errors import RecordError
from monitor.traffic.files.shapes.shape import Object
from monitor.traffic.parsing.json_text import json_kind
from monitor.traffic.parsing.raw_exchange import to_text

#: Field of a raw exchange -> keys that name it, the first that is set counts.
_KEYS = {
    "exchange_id": ("id",),
    "model": ("model",),
    "task_type": ("task_type", "category"),
    "end_user": ("user", "user_id", "session_id", "conversation_id"),
    "timestamp": ("timestamp", "created_at"),
}


def read_common_keys(content: Object) -> dict[str, Any]:
    """Return the fields of a raw exchange that common keys hold."""
    fields: dict[str, Any] = {}
    for name, keys in _KEYS.items():
        values = (content.get(key) for key in keys)
        value = next((value for value in values if _is_name(value)), None)
        fields[name] = value if name == "timestamp" else to_text(value)
    metadata = content.get("metadata")
    fields["attributes"] = metadata if isinstance(metadata, dict) else {}
    return fields


def first_value(content: Object, *keys: str) -> Any:
    """Return the value of the first of these keys that has one; ``None`` without any."""
    return next((content[key] for key in keys if content.get(key) not in (None, "")), None)


def time_at(content: Object, *keys: str) -> str | float | None:
    """Return the first of these keys that has a value, as a time.

    Raises:
        RecordError: ``wrong_type``.
    """
    value = first_value(content, *keys)
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise RecordError("wrong_type", f"`{keys[0]}` is {json_kind(value)}, no time")
    return value


def name_at(content: Object, *keys: str) -> str:
    """Return the first of these keys as a name."""
    value = next((content[key] for key in keys if _is_name(content.get(key))), None)
    return to_text(value)


def _is_name(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
