"""The plain format: ``{"id", "timestamp", "model", "task_type", "user", "prompt", "response"}``.

Only ``prompt`` is required: a text, or a list of ``{"role", "content"}``. If request and response
are records of their own, one has ``prompt``, the other ``response``, and both the same ``id``.
Feedback on an exchange has its ``id``, and ``feedback`` in place of both.
"""

from typing import Any

import msgspec

from monitor.traffic.exchange import LABELS, Message
from monitor.traffic.formats.schemas.messages import content_message
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import RawExchange, RawFeedback, convert, to_text


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
    #: Retrieved texts: a text, or a list of texts, stored in the metadata; others are ignored.
    context: Any = None
    #: Whether a text was cut before, as dead letters say; what is no boolean is ignored.
    truncated: Any = None


class _Feedback(msgspec.Struct):
    """Keys of feedback except labels."""

    feedback: dict[str, Any]
    id: str | int | None = None
    timestamp: str | float | None = None


#: Label -> its key where the plain form has another name.
LABEL_KEYS = {"end_user": "user"}

_Labels = msgspec.defstruct(
    "_Labels",
    [(name, str | int | None if name == "end_user" else str | None, None) for name in LABELS],
    rename=LABEL_KEYS,
)

_FEEDBACK_KEYS = {
    *_Feedback.__struct_fields__,
    *(LABEL_KEYS.get(name, name) for name in LABELS),
}

#: Why an object with feedback is none.
FEEDBACK_HINT = f"feedback has no key but {', '.join(sorted(_FEEDBACK_KEYS))}"


def read(payload: Payload) -> list[RawExchange] | list[RawFeedback] | None:
    """Read one exchange, one half of it, or feedback on one."""
    content = payload.object
    is_exchange = "prompt" in content or isinstance(content.get("response"), str)
    if not is_exchange and not _is_feedback(content):
        return None
    labels = convert(content, _Labels)
    names: dict[str, Any] = {name: to_text(getattr(labels, name)) for name in LABELS}
    if not is_exchange:
        feedback = convert(content, _Feedback)
        return [
            RawFeedback(
                exchange_id=to_text(feedback.id),
                timestamp=feedback.timestamp,
                values=feedback.feedback,
                **names,
            )
        ]
    record = convert(content, _Record)
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
            attributes=_metadata(record),
            truncated=record.truncated is True,
        )
    ]


def _is_feedback(content: dict[str, Any]) -> bool:
    """Return whether an object is feedback and nothing else: no exchange that lacks its texts."""
    return "feedback" in content and content.keys() <= _FEEDBACK_KEYS


def _metadata(record: _Record) -> dict[str, Any]:
    context = record.context
    parts = context if isinstance(context, list) else [context]
    if not all(isinstance(part, str) for part in parts):
        return record.metadata or {}
    return {**(record.metadata or {}), "context": context}


def _messages(prompt: str | list[_Turn] | None) -> tuple[Message, ...]:
    if isinstance(prompt, str):
        return (Message("user", prompt),)
    return tuple(content_message(turn.role, turn.content) for turn in prompt or ())
