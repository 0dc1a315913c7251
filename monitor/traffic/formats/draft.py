"""What a format reads from a record: not yet cleaned, and with what is missing still missing."""

from typing import Any, TypeVar

import msgspec

from monitor.errors import RecordError
from monitor.traffic.exchange import Message

T = TypeVar("T")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An exchange before cleaning and defaults."""

    messages: tuple[Message, ...]
    response: str = ""
    exchange_id: str = ""
    timestamp: str | float | None = None
    model: str = ""
    task_type: str = ""
    user: str = ""
    attributes: dict[str, Any] = {}


def convert(content: Any, shape: type[T]) -> T:
    """Check decoded JSON against a struct.

    Raises:
        RecordError: ``wrong_type``, with the path of what is wrong.
    """
    try:
        return msgspec.convert(content, shape)
    except msgspec.ValidationError as error:
        raise RecordError("wrong_type", str(error)) from None


def text_of(value: str | float | None) -> str:
    """Return an id or name as text; numbers are common where texts are meant."""
    return "" if value is None else str(value)


def read_content(content: Any) -> str:
    """Return the text of a message's content: a string, or OpenAI's list of parts.

    What isn't text stays visible as ``[image_url]``, ``[input_audio]`` and the like.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise RecordError(
            "wrong_type", f"a message's content is text or parts, not {type(content).__name__}"
        )
    return "\n".join(_read_part(part) for part in content)


def _read_part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise RecordError("wrong_type", f"a part of a content is {type(part).__name__}")
    kind = part.get("type", "text")
    for key in ("text", "refusal"):
        if isinstance(part.get(key), str):
            return str(part[key])
    return f"[{kind if isinstance(kind, str) else 'part'}]"
