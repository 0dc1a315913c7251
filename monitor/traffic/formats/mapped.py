"""JSON of any shape, read by the paths in ``[traffic.fields]``.

The parts of a path are keys or list indexes from 0, separated by dots: ``input.text``,
``messages.0.content``. Keys that contain dots are supported.
"""

from typing import Any

from monitor.errors import RecordError
from monitor.settings import TrafficFields
from monitor.traffic.exchange import Message
from monitor.traffic.formats.schemas.bodies import read_response_body, read_response_content
from monitor.traffic.formats.schemas.messages import ChatMessage, content_message, read_message
from monitor.traffic.formats.schemas.response_content import ResponseContent
from monitor.traffic.parsing.json_text import json_kind
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import RawExchange, RawFeedback, convert

_MISSING = object()


def read(payload: Payload) -> list[RawExchange] | list[RawFeedback] | None:
    """Read one exchange, one half of it, or feedback on one.

    ``None`` if no path of a text or of feedback leads anywhere.
    """
    fields, content = payload.fields, payload.object
    prompt = _find(content, fields.prompt)
    response = _find(content, fields.response)
    if prompt is _MISSING and response is _MISSING:
        return _read_feedback(content, fields)
    exchange_id = _name(content, "id", fields.id)
    is_given = response is not _MISSING
    response_content = (
        read_response_content(read_response_body(response)) if is_given else ResponseContent()
    )
    return [
        RawExchange(
            messages=() if prompt is _MISSING else _messages(prompt),
            response=response_content.text if is_given else None,
            response_missing=response_content.missing,
            is_conversation=True,
            exchange_id=exchange_id,
            join_id=exchange_id,
            timestamp=_text_or_number(content, "timestamp", fields.timestamp),
            model=_name(content, "model", fields.model),
            task_type=_name(content, "task_type", fields.task_type),
            end_user=_name(content, "user", fields.user),
            attributes=_attributes(content, fields.metadata),
        )
    ]


def _read_feedback(content: dict[str, Any], fields: TrafficFields) -> list[RawFeedback] | None:
    values = _find(content, fields.feedback)
    if values is _MISSING:
        return None
    if not isinstance(values, dict):
        raise RecordError(
            "wrong_type",
            f"traffic.fields.feedback: `{fields.feedback}` is {json_kind(values)}, not an object",
        )
    return [
        RawFeedback(
            exchange_id=_name(content, "id", fields.id),
            timestamp=_text_or_number(content, "timestamp", fields.timestamp),
            model=_name(content, "model", fields.model),
            end_user=_name(content, "user", fields.user),
            values=values,
        )
    ]


def _find(content: Any, path: str) -> Any:
    """Return the value at a path; ``_MISSING`` if there is none."""
    if isinstance(content, list):
        place, _, rest = path.partition(".")
        if not place.isdecimal() or int(place) >= len(content):
            return _MISSING
        return _find(content[int(place)], rest) if rest else content[int(place)]
    if not isinstance(content, dict) or not path:
        return _MISSING
    if path in content:
        return content[path]
    for end in (place for place, character in enumerate(path) if character == "."):
        value = _find(content.get(path[:end]), path[end + 1 :])
        if value is not _MISSING:
            return value
    return _MISSING


def _messages(prompt: Any) -> tuple[Message, ...]:
    if prompt is None:
        return ()
    if isinstance(prompt, list) and any(
        isinstance(turn, dict) and "role" in turn for turn in prompt
    ):
        return tuple(read_message(turn) for turn in convert(prompt, list[ChatMessage]))
    return (content_message("user", prompt),)


def _text_or_number(content: dict[str, Any], name: str, path: str) -> str | float | None:
    value = _find(content, path)
    if value is _MISSING or value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RecordError(
            "wrong_type",
            f"traffic.fields.{name}: `{path}` is {json_kind(value)}, not text or a number",
        )
    return value


def _name(content: dict[str, Any], name: str, path: str) -> str:
    value = _text_or_number(content, name, path)
    return "" if value is None else str(value)


def _attributes(content: dict[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """Return the values at the paths, under the paths or the names before ``=``."""
    attributes = {}
    for entry in paths:
        name, _, path = entry.rpartition("=")
        value = _find(content, path)
        if value is not _MISSING:
            attributes[name or path] = value
    return attributes
