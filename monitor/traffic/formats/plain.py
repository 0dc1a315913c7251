"""The plain format: ``{"id", "timestamp", "model", "task_type", "user", "prompt", "response"}``.

Only ``prompt`` is required: a text, or a list of ``{"role", "content"}``. If request and response
are records of their own, one has ``prompt``, the other ``response``, and both the same ``id``.
"""

from typing import Any

import msgspec

from monitor.traffic.exchange import LABELS, Message
from monitor.traffic.formats.schemas.messages import read_content
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import RawExchange, convert, to_text


class _Turn(msgspec.Struct):
    """A turn of a conversation."""

    role: str
    content: str | list[Any] | None = None


class _Record(msgspec.Struct):
    """Keys of the plain format except labels; other keys are ignored."""

    prompt: str | list[_Turn] | None = None
    response: str | msgspec.UnsetType | None = msgspec.UNSET
    id: str | int | None = None
    timestamp: str | float | None = None
    metadata: dict[str, Any] | None = None
    #: Whether a text was cut before, as dead letters say; what is no boolean is ignored.
    truncated: Any = None


#: Label -> its key where the plain form has another name.
LABEL_KEYS = {"end_user": "user"}

_Labels = msgspec.defstruct(
    "_Labels",
    [(name, str | int | None if name == "end_user" else str | None, None) for name in LABELS],
    rename=LABEL_KEYS,
)


def read(payload: Payload) -> list[RawExchange] | None:
    """Read one exchange, or one half of it."""
    content = payload.object
    if "prompt" not in content and not isinstance(content.get("response"), str):
        return None
    record, labels = convert(content, _Record), convert(content, _Labels)
    names: dict[str, Any] = {name: to_text(getattr(labels, name)) for name in LABELS}
    return [
        RawExchange(
            messages=_messages(record.prompt),
            response=None if record.response is msgspec.UNSET else record.response or "",
            response_missing=record.response is None,
            is_conversation=True,
            exchange_id=to_text(record.id),
            join_id=to_text(record.id),
            timestamp=record.timestamp,
            **names,
            attributes=record.metadata or {},
            truncated=record.truncated is True,
        )
    ]


def _messages(prompt: str | list[_Turn] | None) -> tuple[Message, ...]:
    if isinstance(prompt, str):
        return (Message("user", prompt),)
    return tuple(Message(turn.role, read_content(turn.content)) for turn in prompt or ())
