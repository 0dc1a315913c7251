"""What the headers ``traceparent`` and ``tracestate`` say about sampling before us.

Sources: W3C Trace Context Level 2 (``traceparent``, its random flag, ``tracestate``) and
OpenTelemetry's TraceState handling and Probability Sampling (``ot=th:...;rv:...``).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

#: Kafka allows a header without a value.
Header = tuple[str, bytes | None]

_TRACEPARENT = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace_id>[0-9a-f]{32})-(?P<parent_id>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_SUB_KEY = re.compile(r"([a-z][a-z0-9]*):([A-Za-z0-9._-]*)")
_THRESHOLD = re.compile(r"[0-9A-Fa-f]{1,14}")
_RANDOMNESS = re.compile(r"[0-9a-f]{14}")

_SAMPLED = 0x01
_RANDOM = 0x02
_HEX_DIGITS = 14
#: The right-most 7 bytes of a trace id.
_RANDOM_BYTES = (1 << 56) - 1
_MAX_VALUE_LENGTH = 256


@dataclass(frozen=True, slots=True)
class Upstream:
    """What an earlier stage of sampling has left in the headers."""

    #: 56 bits that the earlier stage decided by; ``None`` where they aren't known.
    randomness: int | None = None
    #: The earlier stage let through R >= this; ``None`` where it isn't known.
    threshold: int | None = None
    #: Why something was ignored: ``traceparent``, ``tracestate`` (malformed), ``inconsistent``
    #: (R < th) or ``unsampled`` (th of a trace that wasn't sampled); or empty.
    problem: str = ""


NOTHING = Upstream()


def read_upstream(headers: Sequence[Header], *, honour_threshold: bool = True) -> Upstream:
    """Read the headers of a record.

    The randomness is ``rv``, else the last 56 bits of a trace id whose random flag is set. A
    ``th`` is dropped where it contradicts the record: an inconsistent one tells no probability, and
    where the trace wasn't sampled but the record came, ``th`` didn't decide on the record.

    Args:
        headers: Names, in any case, and values.
        honour_threshold: ``False`` leaves ``th`` unread: for topics whose records carry the trace
            headers but aren't sampled with the traces.
    """
    parents = [value for name, value in headers if name.lower() == "traceparent"]
    states = [value for name, value in headers if name.lower() == "tracestate"]
    if not parents and not states:
        return NOTHING
    parent = _parse_traceparent(parents)
    if parent is None:
        return Upstream(problem="traceparent")  # tracestate must not be read without it
    trace_id, flags = parent
    shared = trace_id & _RANDOM_BYTES if flags & _RANDOM else None
    state = _parse_tracestate(states)
    if state is None:
        return Upstream(shared, problem="tracestate")
    threshold, explicit = state
    randomness = shared if explicit is None else explicit
    if threshold is None or not honour_threshold:
        return Upstream(randomness)
    problem = ""
    if not flags & _SAMPLED:
        problem = "unsampled"
    elif randomness is not None and randomness < threshold:
        problem = "inconsistent"
    return Upstream(randomness, None if problem else threshold, problem)


def _parse_traceparent(values: Sequence[bytes | None]) -> tuple[int, int] | None:
    """Return trace id and flags; ``None`` unless there is exactly one valid header."""
    text = _ascii(values[0]) if len(values) == 1 else None
    match = _TRACEPARENT.fullmatch(text) if text is not None else None
    if match is None or match["version"] == "ff":
        return None
    if match["version"] == "00" and match["more"]:
        return None
    trace_id = int(match["trace_id"], 16)
    if not trace_id or not int(match["parent_id"], 16):
        return None
    return trace_id, int(match["flags"], 16)


def _parse_tracestate(values: Sequence[bytes | None]) -> tuple[int | None, int | None] | None:
    """Return ``th`` and ``rv`` of the entry ``ot``; ``None`` where it is malformed."""
    texts = [_ascii(value) for value in values]
    members = ",".join(text or "" for text in texts).split(",")
    entries = [member.strip(" \t") for member in members]
    own = [entry.removeprefix("ot=") for entry in entries if entry.startswith("ot=")]
    if None in texts or len(own) > 1:
        return None
    return _parse_entry(own[0]) if own else (None, None)


def _parse_entry(entry: str) -> tuple[int | None, int | None] | None:
    pairs = [_SUB_KEY.fullmatch(part) for part in entry.split(";")]
    values = {match[1]: match[2] for match in pairs if match}
    if len(values) < len(pairs) or len(entry) > _MAX_VALUE_LENGTH:
        return None  # a part that is no pair, or a key that comes twice
    th, rv = values.get("th"), values.get("rv")
    if th is not None and not _THRESHOLD.fullmatch(th):
        return None
    if rv is not None and not _RANDOMNESS.fullmatch(rv):
        return None
    return (
        None if th is None else int(th.ljust(_HEX_DIGITS, "0"), 16),
        None if rv is None else int(rv, 16),
    )


def _ascii(value: bytes | None) -> str | None:
    try:
        return (value or b"").decode("ascii")
    except UnicodeDecodeError:
        return None
