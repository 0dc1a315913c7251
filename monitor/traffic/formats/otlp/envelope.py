"""OTLP messages of single log records or spans, for dead letters."""

import json
from collections.abc import Sequence
from typing import Any, Literal

#: The names of the three levels in JSON.
LEVELS = {
    "log": ("resourceLogs", "scopeLogs", "logRecords"),
    "span": ("resourceSpans", "scopeSpans", "spans"),
}


def encode_message(kind: Literal["log", "span"], records: Sequence[Any]) -> bytes:
    """Return a message of these records: in protobuf if they are bytes, else in JSON.

    ``kind`` matters in JSON only. Resource and scope are left out: nothing that is read depends on
    them.
    """
    if records and isinstance(records[0], bytes):
        scope = b"".join(_field(2, record) for record in records)
        return _field(1, _field(2, scope))
    resources, scopes, leaves = LEVELS[kind]
    return json.dumps({resources: [{scopes: [{leaves: list(records)}]}]}).encode()


def _field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field of a protobuf message."""
    length = len(content)
    varint = bytearray()
    while length > 0x7F:
        varint.append(length & 0x7F | 0x80)
        length >>= 7
    varint.append(length)
    return bytes([number << 3 | 2, *varint]) + content
