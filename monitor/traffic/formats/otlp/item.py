"""A log record or span, whichever encoding it came in."""

from typing import Any, Literal

import msgspec


class SpanEvent(msgspec.Struct, frozen=True):
    """Something that happened during a span."""

    name: str
    attributes: dict[str, Any]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A log record or span of a message."""

    #: Place among all log records and spans of the message.
    index: int
    kind: Literal["log", "span"]
    #: The event's name of a log record, the name of a span.
    name: str
    attributes: dict[str, Any]
    #: Of a log record: text, or a structure.
    body: Any = None
    #: Hexadecimal; empty where there is none.
    trace_id: str = ""
    span_id: str = ""
    #: When it was recorded or began; Unix nanoseconds, 0 where unknown.
    start_ns: int = 0
    #: When a span ended.
    end_ns: int = 0
    events: tuple[SpanEvent, ...] = ()
    #: As it came: the bytes of the protobuf message, or the JSON object.
    record: Any
