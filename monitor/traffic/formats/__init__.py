"""The formats of production's logs: a file each with one function, and the table of them all."""

from collections.abc import Callable, Mapping, Sequence

from monitor.errors import RecordError
from monitor.traffic.draft import Found
from monitor.traffic.formats import litellm, mapped, openai, opentelemetry, plain
from monitor.traffic.payload import Payload

#: Reads a record. Returns ``None`` where it is of another format; raises a RecordError where it is
#: of this one and broken.
Reader = Callable[[Payload], Sequence[Found] | None]

#: A format's name in the settings -> its reader. ``auto`` asks in this order: first what the
#: configuration describes, then the narrowest.
READERS: Mapping[str, Reader] = {
    "mapped": mapped.read,
    "opentelemetry": opentelemetry.read,
    "litellm": litellm.read,
    "openai": openai.read,
    "plain": plain.read,
}

#: What a record of each format has, for the message when one has it not.
EXPECTED: Mapping[str, str] = {
    "mapped": "a text where traffic.fields.prompt or traffic.fields.response leads",
    "opentelemetry": "`resourceLogs` or `resourceSpans`, in JSON or protobuf",
    "litellm": "`call_type` and `messages`",
    "openai": "`request`, or `response` with `choices` or `output`",
    "plain": "`prompt`, or `response` as text",
}


def read_record(payload: Payload, format_name: str) -> Sequence[Found]:
    """Read a record in the format of this name, or with ``auto`` in the first that knows it.

    Raises:
        RecordError: No format knows the record, or the one that does finds it broken.
    """
    names = READERS if format_name == "auto" else [format_name]
    for name in names:
        found = READERS[name](payload)
        if found is not None:
            return found
    if payload.complaint is not None:
        raise payload.complaint
    if not isinstance(payload.content, dict):
        raise RecordError("wrong_type", f"expected an object, got {type(payload.content).__name__}")
    keys = ", ".join(key[:40] for key in sorted(payload.object)[:8]) or "none"
    if format_name == "auto":
        raise RecordError("unknown_format", f"none of {', '.join(names)} has these keys: {keys}")
    raise RecordError(
        "unknown_format", f"{format_name} needs {EXPECTED[format_name]}; the record's keys: {keys}"
    )
