"""Log records and spans, independent of their encoding."""

from typing import Any, Literal

import msgspec


class SpanEvent(msgspec.Struct, frozen=True):
    """An event of a span."""

    name: str
    attributes: dict[str, Any]


class OtlpItem(msgspec.Struct, frozen=True, kw_only=True):
    """A log record or span of a message."""

    #: Index among all log records and spans of the message.
    index: int
    kind: Literal["log", "span"]
    #: Event name of a log record, or name of a span.
    name: str
    attributes: dict[str, Any]
    #: Of a log record: text or a structure.
    body: Any = None
    #: Hexadecimal; empty where there is none.
    trace_id: str = ""
    span_id: str = ""
    #: Time of recording or start; Unix nanoseconds, 0 if unknown.
    start_ns: int = 0
    #: End of a span.
    end_ns: int = 0
    events: tuple[SpanEvent, ...] = ()
    #: The undecoded record: bytes of a protobuf message, or a JSON object.
    record: Any
