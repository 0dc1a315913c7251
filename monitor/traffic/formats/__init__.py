"""The formats of production's logs: one file a format, and the table that lists them."""

from collections.abc import Callable, Mapping
from typing import Any

from monitor.errors import RecordError
from monitor.traffic.formats import openai, plain
from monitor.traffic.formats.draft import Draft

#: A format's name -> what turns a decoded JSON object into drafts. To add a format, write a file
#: with ``matches`` and ``read``, and enter it here. ``auto`` asks in this order.
READERS: Mapping[str, tuple[Callable[[dict[str, Any]], bool], Callable[[Any], list[Draft]]]] = {
    "openai": (openai.matches, openai.read),
    "plain": (plain.matches, plain.read),
}


def read_drafts(content: Any, format_name: str) -> list[Draft]:
    """Turn decoded JSON into drafts.

    Args:
        content: What the JSON held.
        format_name: A name of :data:`READERS`, or ``auto`` to tell it by its shape.

    Raises:
        RecordError: The content isn't an object of that format.
    """
    if not isinstance(content, dict):
        raise RecordError("wrong_type", f"expected an object, got {type(content).__name__}")
    if format_name != "auto":
        return READERS[format_name][1](content)
    for matches, read in READERS.values():
        if matches(content):
            return read(content)
    raise RecordError(
        "missing_prompt",
        f"none of the formats {', '.join(READERS)} has the keys {', '.join(_some_keys(content))}",
    )


def _some_keys(content: dict[str, Any]) -> list[str]:
    return [key[:40] for key in sorted(content)[:8]] or ["(none)"]
