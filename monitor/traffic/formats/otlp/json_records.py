"""OTLP messages in JSON."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Literal

import msgspec

from monitor.errors import RecordError
from monitor.traffic.formats.otlp.envelope import LEVELS, encode_message
from monitor.traffic.formats.otlp.item import OtlpItem, SpanEvent
from monitor.traffic.parsing.json_text import json_kind
from monitor.traffic.parsing.raw_exchange import UnreadablePart, convert

#: Depth limit of nested values; protobuf's parser has a similar one.
MAX_DEPTH = 50
#: Digits of the largest 64-bit number.
MAX_DIGITS = 20


class _Pair(msgspec.Struct):
    """An attribute."""

    key: str = ""
    value: Any = None


class _LogRecord(msgspec.Struct, rename="camel"):
    """The fields of a log record that are read."""

    time_unix_nano: str | int | None = None
    observed_time_unix_nano: str | int | None = None
    event_name: str | None = None
    body: Any = None
    attributes: list[_Pair] | None = None
    trace_id: str | None = None
    span_id: str | None = None


class _Event(msgspec.Struct):
    """An event of a span."""

    name: str | None = None
    attributes: list[_Pair] | None = None


class _Span(msgspec.Struct, rename="camel"):
    """The fields of a span that are read."""

    trace_id: str | None = None
    span_id: str | None = None
    name: str | None = None
    start_time_unix_nano: str | int | None = None
    end_time_unix_nano: str | int | None = None
    attributes: list[_Pair] | None = None
    events: list[_Event] | None = None


def read_json(content: dict[str, Any]) -> list[OtlpItem | UnreadablePart] | None:
    """Return the log records and spans of a message; ``None`` if it has neither.

    Raises:
        RecordError: ``wrong_type``: the message has an invalid structure.
    """
    kinds: list[Literal["log", "span"]] = [k for k in ("log", "span") if LEVELS[k][0] in content]
    if not kinds:
        return None
    parts: list[OtlpItem | UnreadablePart] = []
    for kind in kinds:
        for record in _leaves(content, LEVELS[kind]):
            index = len(parts)
            try:
                parts.append(
                    _read_log(index, record) if kind == "log" else _read_span(index, record)
                )
            except RecordError as error:
                to_record = partial(encode_message, kind, [record])
                parts.append(UnreadablePart(index=index, error=error, to_record=to_record))
    return parts


def _leaves(parent: Any, levels: tuple[str, ...]) -> Iterator[Any]:
    """Yield the objects under nested lists of the names in ``levels``."""
    if not levels:
        yield parent
        return
    if not isinstance(parent, dict):
        raise RecordError(
            "wrong_type", f"{json_kind(parent)} where an object with `{levels[0]}` is expected"
        )
    children = parent.get(levels[0])
    if not isinstance(children, list | None):
        raise RecordError("wrong_type", f"`{levels[0]}` is {json_kind(children)}, not a list")
    for child in children or ():
        yield from _leaves(child, levels[1:])


def _read_log(index: int, record: Any) -> OtlpItem:
    log = convert(record, _LogRecord)
    attributes = _attributes(log.attributes, 0)
    name = log.event_name or attributes.pop("event.name", "")
    return OtlpItem(
        index=index,
        kind="log",
        name=name if isinstance(name, str) else "",
        attributes=attributes,
        body=_value(log.body, 0),
        trace_id=log.trace_id or "",
        span_id=log.span_id or "",
        start_ns=_nanoseconds(log.time_unix_nano) or _nanoseconds(log.observed_time_unix_nano),
        record=record,
    )


def _read_span(index: int, record: Any) -> OtlpItem:
    span = convert(record, _Span)
    return OtlpItem(
        index=index,
        kind="span",
        name=span.name or "",
        attributes=_attributes(span.attributes, 0),
        trace_id=span.trace_id or "",
        span_id=span.span_id or "",
        start_ns=_nanoseconds(span.start_time_unix_nano),
        end_ns=_nanoseconds(span.end_time_unix_nano),
        events=tuple(
            SpanEvent(event.name or "", _attributes(event.attributes, 0))
            for event in span.events or ()
        ),
        record=record,
    )


def _nanoseconds(value: str | int | None) -> int:
    text = str(value or 0)
    if not text.isdecimal() or len(text) > MAX_DIGITS:
        raise RecordError("bad_timestamp", f"{text[:40]!r} is not a time in Unix nanoseconds")
    return int(text)


def _attributes(pairs: list[_Pair] | None, depth: int) -> dict[str, Any]:
    return {pair.key: _value(pair.value, depth) for pair in pairs or ()}


def _value(value: Any, depth: int) -> Any:
    """Return the content of an AnyValue."""
    if value is None:
        return None
    if depth > MAX_DEPTH:
        raise RecordError("too_deep", f"a value is nested deeper than {MAX_DEPTH}")
    if not isinstance(value, dict) or len(value) > 1:
        raise RecordError("wrong_type", 'a value is an object like {"stringValue": "..."}')
    return next((_content(kind, content, depth) for kind, content in value.items()), None)


def _content(kind: str, content: Any, depth: int) -> Any:
    read: Any
    match kind, content:
        case "stringValue" | "bytesValue", str():
            read = content
        case "boolValue", bool():
            read = content
        case "intValue", _:
            read = _integer(content)
        case "doubleValue", int() | float() | str():
            read = _double(content)
        case "arrayValue", dict():
            values = convert(content.get("values") or [], list[Any])
            read = [_value(item, depth + 1) for item in values]
        case "kvlistValue", dict():
            read = _attributes(convert(content.get("values") or [], list[_Pair]), depth + 1)
        case _:
            raise RecordError("wrong_type", f"a value `{kind[:40]}` is {json_kind(content)}")
    return read


def _integer(content: Any) -> int:
    """Return a 64-bit number, which JSON gives as text."""
    text = content if isinstance(content, str) else str(content)
    if isinstance(content, bool | float) or len(text) > MAX_DIGITS:
        raise RecordError("wrong_type", "an `intValue` is a 64-bit integer")
    try:
        return int(text)
    except ValueError:
        raise RecordError("wrong_type", f"`intValue` is {text!r}") from None


def _double(content: float | str) -> float:
    try:
        return float(content)  # "NaN" and "Infinity" are allowed; neither becomes a metric
    except (ValueError, OverflowError):
        raise RecordError("wrong_type", f"`doubleValue` is {str(content)[:40]!r}") from None
