"""Traffic formats: one file with one function each, and the table of all."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from monitor.errors import RecordError
from monitor.traffic.formats import litellm, mapped, openai, opentelemetry, plain
from monitor.traffic.parsing.json_text import json_kind
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import RecordPart


class Format(NamedTuple):
    """Reader and required keys of a format."""

    #: Returns ``None`` for a record of another format; raises a RecordError for a broken record of
    #: this one.
    read: Callable[[Payload], Sequence[RecordPart] | None]
    #: The keys that a record of this format has, for error messages.
    needs: str


#: By the name in ``traffic.format``. ``auto`` tries them in this order: the configured mapping
#: first, then the most specific format.
FORMATS: Mapping[str, Format] = {
    "mapped": Format(mapped.read, "a text where traffic.fields.prompt or .response leads"),
    "opentelemetry": Format(opentelemetry.read, "`resourceLogs` or `resourceSpans`, or protobuf"),
    "litellm": Format(litellm.read, "`call_type` and `messages`"),
    "openai": Format(openai.read, "`request`, or `response` with `choices` or `output`"),
    "plain": Format(plain.read, "`prompt`, `response` as text, or `feedback` beside `id`"),
}


def read_record(payload: Payload, format_name: str) -> Sequence[RecordPart]:
    """Read a record in the named format, or with ``auto`` in the first that matches.

    Raises:
        RecordError: No format matches, or the record is broken.
    """
    names = FORMATS if format_name == "auto" else [format_name]
    for name in names:
        parts = FORMATS[name].read(payload)
        if parts is not None:
            return parts
    if payload.parse_error is not None:
        raise payload.parse_error
    if not isinstance(payload.content, dict):
        raise RecordError("wrong_type", f"expected an object, got {json_kind(payload.content)}")
    keys = ", ".join(key[:40] for key in sorted(payload.object)[:8]) or "none"
    if format_name == "auto":
        hint = f"; {plain.FEEDBACK_HINT}" if "feedback" in payload.object else ""
        raise RecordError(
            "unknown_format", f"no format ({', '.join(names)}) has the record's keys: {keys}{hint}"
        )
    needs = FORMATS[format_name].needs
    raise RecordError("unknown_format", f"{format_name} needs {needs}; the record's keys: {keys}")
