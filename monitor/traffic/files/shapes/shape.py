"""The shape of a file's objects: how one object is read as exchanges."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.traffic.exchange import LABELS
from monitor.traffic.formats import read_record
from monitor.traffic.formats.plain import LABEL_KEYS
from monitor.traffic.parsing.json_text import json_kind
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import RawExchange, RecordPart

#: Keys that a message quotes, and characters of each.
KEYS_QUOTED, KEY_CHARACTERS = 12, 60

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Shape:
    """A shape of objects, such as ShareGPT's."""

    name: str
    #: Whether an object has this shape.
    matches: Callable[[Object], bool]
    #: Returns the parts of an object that matches; raises a RecordError for a broken one.
    read_object: Callable[[Object], Sequence[RecordPart]]
    #: What a reader should know: how it is read, and the setting that reads it otherwise.
    remark: str = ""
    #: Returns why none of the first objects holds an exchange, and what to do; empty otherwise.
    problem: Callable[[Sequence[Object]], str] = lambda _: ""
    #: Of guessed columns: role (prompt, response) -> column, and all columns.
    roles: Mapping[str, str] = field(default_factory=dict)
    columns: frozenset[str] = frozenset()
    #: Returns an exchange of the shape as it is meant.
    amend: Callable[[RawExchange], RawExchange] = lambda raw: raw

    def read(self, payload: Payload) -> Sequence[RecordPart]:
        """Read a record; ``RecordError`` of another shape or a broken one."""
        content = payload.content
        if payload.parse_error is not None:
            raise payload.parse_error
        if not isinstance(content, dict):
            raise RecordError("wrong_type", f"expected an object, got {json_kind(content)}")
        if not self.matches(content):
            raise RecordError(
                "unknown_format", f"another shape than {self.name}; keys: {quote_keys(content)}"
            )
        return [
            add_record(self.amend(part)) if isinstance(part, RawExchange) else part
            for part in self.read_object(content)
        ]


class TrafficLines(Shape):
    """Objects in the formats that Kafka carries, each read by itself."""

    def read(self, payload: Payload) -> Sequence[RecordPart]:
        """Read a record in the first format that matches."""
        parts = read_record(payload, "auto")
        return [self.amend(part) if isinstance(part, RawExchange) else part for part in parts]


def add_record(raw: RawExchange) -> RawExchange:
    """Return an exchange that becomes a plain line of its own where it is no readable one."""
    return msgspec.structs.replace(raw, to_record=partial(_plain_line, raw))


def quote_keys(content: Object) -> str:
    """Return the paths of an object's values, for a message."""
    paths = [path[:KEY_CHARACTERS] for path in _paths(content)]
    more = f", and {len(paths) - KEYS_QUOTED} more" if len(paths) > KEYS_QUOTED else ""
    return ", ".join(paths[:KEYS_QUOTED]) + more or "none"


def _paths(content: Object) -> list[str]:
    paths: list[str] = []
    for key, value in content.items():
        below = value if isinstance(value, dict) else {}
        paths += [f"{key}.{name}" for name in below] or [str(key)]
    return paths


def _plain_line(raw: RawExchange) -> bytes:
    labels = {LABEL_KEYS.get(name, name): getattr(raw, name) or None for name in LABELS}
    line = {
        "id": raw.exchange_id or None,
        "timestamp": raw.timestamp,
        **labels,
        "prompt": [{"role": turn.role, "content": turn.content} for turn in raw.messages],
        "response": raw.response,
        "metadata": {**raw.call_metadata.attributes(), **raw.attributes},
    }
    # Lone surrogates, which JSON allows, stay escapes.
    return json.dumps({key: value for key, value in line.items() if value is not None}).encode()
