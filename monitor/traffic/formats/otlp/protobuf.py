"""OTLP messages in protobuf, each record parsed by itself.

A message is walked field by field down to its records, so that a broken one affects no other.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from monitor.errors import RecordError
from monitor.traffic.formats.otlp.envelope import encode_message
from monitor.traffic.formats.otlp.item import OtlpItem, SpanEvent
from monitor.traffic.parsing.raw_exchange import IgnoredParts, UnreadablePart

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5
#: A span starts with its trace id (field 1, 16 bytes), a log record with a time or a number, and a
#: metric with its name (field 1, another length).
SPAN_BEGINS = b"\x0a\x10"
METRIC_BEGINS = b"\x0a"
#: Prefixes of attribute and event names of model calls; records without any aren't parsed.
MARKS = (b"gen_ai", b"llm.", b"openinference")


class NotOtlpError(ValueError):
    """Raised if bytes are no OTLP message of log records or spans."""


def read_protobuf(message: bytes) -> list[OtlpItem | UnreadablePart | IgnoredParts]:
    """Return the log records and spans of a message that may be model calls.

    Raises:
        NotOtlpError: The bytes are no such message, or it is truncated.
    """
    parts: list[OtlpItem | UnreadablePart | IgnoredParts] = []
    n_ignored = 0
    for index, record in enumerate(_records(message)):
        if _is_metric(record) or not any(mark in record for mark in MARKS):
            n_ignored += 1
            continue
        try:
            parts.append(_read(index, record))
        except RecordError as error:
            parts.append(
                UnreadablePart(
                    index=index, error=error, to_record=partial(encode_message, "log", [record])
                )
            )
    return [*parts, IgnoredParts(n_ignored)] if n_ignored else parts


def fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, wire type and content of each field; the contents of numbers are empty.

    Raises:
        NotOtlpError: The bytes are no protobuf message.
    """
    position, end = 0, len(message)
    while position < end:
        tag, position = _varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        size = 0
        if wire_type == VARINT:
            _, position = _varint(message, position)
        elif wire_type == LENGTH_DELIMITED:
            size, position = _varint(message, position)
        elif wire_type in {FIXED64, FIXED32}:
            position += 8 if wire_type == FIXED64 else 4
        else:
            raise NotOtlpError(f"wire type {wire_type} at byte {position}")
        if number == 0 or position + size > end:
            raise NotOtlpError(f"cut at byte {end}" if number else f"no field at byte {position}")
        yield number, wire_type, message[position : position + size]
        position += size


def _records(message: bytes) -> Iterator[bytes]:
    """Yield the records: message > resources (1) > scopes (2) > records (2)."""
    for number, wire_type, resource in fields(message):
        if (number, wire_type) != (1, LENGTH_DELIMITED):
            raise NotOtlpError(f"field {number} besides the resources")
        for scope in _submessages(resource):
            yield from _submessages(scope)


def _submessages(message: bytes) -> Iterator[bytes]:
    for number, wire_type, content in fields(message):
        if wire_type != LENGTH_DELIMITED:  # resource, scope and schema URL have a length too
            raise NotOtlpError(f"field {number} is a number")
        if number == 2:
            yield content


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(message) and shift < 64:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise NotOtlpError(f"no number at byte {position}")


def _is_metric(record: bytes) -> bool:
    return record.startswith(METRIC_BEGINS) and not record.startswith(SPAN_BEGINS)


def _read(index: int, record: bytes) -> OtlpItem:
    is_span = record.startswith(SPAN_BEGINS)
    try:
        return _read_span(index, record) if is_span else _read_log(index, record)
    except DecodeError as error:
        raise RecordError("invalid_protobuf", str(error)) from None


def _read_log(index: int, record: bytes) -> OtlpItem:
    log = LogRecord.FromString(record)
    attributes = _attributes(log.attributes)
    name = log.event_name or attributes.pop("event.name", "")
    return OtlpItem(
        index=index,
        kind="log",
        name=name if isinstance(name, str) else "",
        attributes=attributes,
        body=_value(log.body),
        trace_id=log.trace_id.hex(),
        span_id=log.span_id.hex(),
        start_ns=log.time_unix_nano or log.observed_time_unix_nano,
        record=record,
    )


def _read_span(index: int, record: bytes) -> OtlpItem:
    span = Span.FromString(record)
    return OtlpItem(
        index=index,
        kind="span",
        name=span.name,
        attributes=_attributes(span.attributes),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        events=tuple(SpanEvent(event.name, _attributes(event.attributes)) for event in span.events),
        record=record,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    """Return a value as in JSON; the parser bounds its depth."""
    match value.WhichOneof("value"):
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case "bytes_value":
            return b64encode(value.bytes_value).decode()
        case None | "string_value_strindex":
            return None
        case kind:
            return getattr(value, kind)
