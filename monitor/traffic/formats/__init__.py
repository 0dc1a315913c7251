"""The formats of production's logs: a file each with one function, and the table of them all."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from monitor.errors import RecordError
from monitor.traffic.formats import litellm, mapped, openai, opentelemetry, plain
from monitor.traffic.parsing.json_text import json_kind
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import RecordPart


class Format(NamedTuple):
    """How a format is read, and what its records have."""

    #: Returns ``None`` where a record is of another format; raises a RecordError where it is of
    #: this one and broken.
    read: Callable[[Payload], Sequence[RecordPart] | None]
    #: What a record needs to be of this format, for the message when it hasn't.
    needs: str


#: By the name in ``traffic.format``. ``auto`` asks in this order: first what the configuration
#: describes, then the narrowest.
FORMATS: Mapping[str, Format] = {
    "mapped": Format(mapped.read, "a text where traffic.fields.prompt or .response leads"),
    "opentelemetry": Format(opentelemetry.read, "`resourceLogs` or `resourceSpans`, or protobuf"),
    "litellm": Format(litellm.read, "`call_type` and `messages`"),
    "openai": Format(openai.read, "`request`, or `response` with `choices` or `output`"),
    "plain": Format(plain.read, "`prompt`, or `response` as text"),
}


def read_record(payload: Payload, format_name: str) -> Sequence[RecordPart]:
    """Read a record in the format of this name, or with ``auto`` in the first that knows it.

    Raises:
        RecordError: No format knows the record, or the one that does finds it broken.
    """
    names = FORMATS if format_name == "auto" else [format_name]
    for name in names:
        found = FORMATS[name].read(payload)
        if found is not None:
            return found
    if payload.parse_error is not None:
        raise payload.parse_error
    if not isinstance(payload.content, dict):
        raise RecordError("wrong_type", f"expected an object, got {json_kind(payload.content)}")
    keys = ", ".join(key[:40] for key in sorted(payload.object)[:8]) or "none"
    if format_name == "auto":
        raise RecordError("unknown_format", f"none of {', '.join(names)} has these keys: {keys}")
    needs = FORMATS[format_name].needs
    raise RecordError("unknown_format", f"{format_name} needs {needs}; the record's keys: {keys}")
