"""The plain form: ``{"id", "timestamp", "model", "task_type", "user", "prompt", "response", ...}``.

Only ``prompt`` is required: a text, or a list of ``{"role", "content"}``.
"""

from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.formats.draft import Draft, convert, read_content, text_of


class Turn(msgspec.Struct):
    """A turn of a conversation given as the prompt."""

    role: str
    content: str | list[Any] | None = None


class PlainRecord(msgspec.Struct):
    """The plain form. Other keys are ignored."""

    prompt: str | list[Turn] | None = None
    response: str | None = None
    id: str | int | None = None
    timestamp: str | float | None = None
    model: str | None = None
    task_type: str | None = None
    user: str | int | None = None
    metadata: dict[str, Any] | None = None


def matches(content: dict[str, Any]) -> bool:
    """Return whether this looks like the plain form."""
    return "prompt" in content


def read(content: Any) -> list[Draft]:
    """Read one exchange."""
    record = convert(content, PlainRecord)
    if record.prompt is None:
        raise RecordError("missing_prompt", "a record needs `prompt`")
    if isinstance(record.prompt, str):
        messages: tuple[Message, ...] = (Message("user", record.prompt),)
    else:
        messages = tuple(Message(turn.role, read_content(turn.content)) for turn in record.prompt)
    return [
        Draft(
            messages=messages,
            response=record.response or "",
            exchange_id=text_of(record.id),
            timestamp=record.timestamp,
            model=record.model or "",
            task_type=record.task_type or "",
            user=text_of(record.user),
            attributes=record.metadata or {},
        )
    ]
