"""Sampling by earlier stages, from the headers ``traceparent`` and ``tracestate``.

Sources: W3C Trace Context Level 2 (``traceparent``, its random flag, ``tracestate``) and
OpenTelemetry's TraceState handling and Probability Sampling (``ot=th:...;rv:...``).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

#: Kafka allows a header without a value.
Header = tuple[str, bytes | None]

_TRACEPARENT = re.compile(
    rb"(?P<version>[0-9a-f]{2})-(?P<trace_id>[0-9a-f]{32})-(?P<parent_id>[0-9a-f]{16})"
    rb"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_ENTRY = re.compile(rb"[a-z][a-z0-9]*:[A-Za-z0-9._-]*(;[a-z][a-z0-9]*:[A-Za-z0-9._-]*)*")
_THRESHOLD = re.compile(rb"[0-9A-Fa-f]{1,14}")
_RANDOMNESS = re.compile(rb"[0-9a-f]{14}")

_NAMES = frozenset({"traceparent", "tracestate"})
_SAMPLED = 0x01
_RANDOM = 0x02
_HEX_DIGITS = 14
_MAX_VALUE_LENGTH = 256


#: Malformed headers, R < th, and th of a trace that wasn't sampled.
PROBLEMS = ("traceparent", "tracestate", "inconsistent", "unsampled")


class Upstream(NamedTuple):
    """Sampling of an earlier stage, as its headers tell."""

    #: The 56 bits that the earlier stage sampled by; ``None`` if unknown.
    randomness: int | None = None
    #: The earlier stage passed R >= this; ``None`` if unknown.
    threshold: int | None = None
    #: Why a header was ignored, one of :data:`PROBLEMS`; or empty.
    problem: str = ""


NOTHING = Upstream()


def has_trace_headers(headers: Sequence[Header]) -> bool:
    """Return whether there are headers for :func:`read_upstream`."""
    for name, _ in headers:  # noqa: SIM110 - a generator takes twice as long
        if name in _NAMES or name.lower() in _NAMES:
            return True
    return False


def read_upstream(headers: Sequence[Header], *, honour_threshold: bool = True) -> Upstream:
    """Read the trace headers of a record.

    The randomness is ``rv``, else the last 56 bits of a trace id whose random flag is set. A
    ``th`` that contradicts the record is ignored: an inconsistent one gives no probability, and if
    the record came although the trace wasn't sampled, ``th`` didn't decide on the record.

    Names may be in any case. Without ``honour_threshold``, ``th`` is ignored: for topics whose
    records carry trace headers but aren't sampled with the traces.
    """
    parents = [value for name, value in headers if name.lower() == "traceparent"]
    states = [value for name, value in headers if name.lower() == "tracestate"]
    if not parents and not states:
        return NOTHING
    parent = _parse_traceparent(parents[0]) if len(parents) == 1 else None
    if parent is None:
        return Upstream(problem="traceparent")  # tracestate must not be read without it
    trace_randomness, flags = parent
    shared = trace_randomness if flags & _RANDOM else None
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


def _parse_traceparent(value: bytes | None) -> tuple[int, int] | None:
    """Return the last 56 bits of the trace id and the flags; ``None`` if invalid."""
    match = _TRACEPARENT.fullmatch(value or b"")
    if match is None:
        return None
    version, trace_id, parent_id, flags, more = match.groups()
    if version == b"ff" or (version == b"00" and more):
        return None
    if not trace_id.strip(b"0") or not parent_id.strip(b"0"):
        return None
    return int(trace_id[-_HEX_DIGITS:], 16), int(flags, 16)


def _parse_tracestate(values: Sequence[bytes | None]) -> tuple[int | None, int | None] | None:
    """Return ``th`` and ``rv`` of the entry ``ot``; ``None`` if malformed."""
    members = b",".join(value or b"" for value in values).split(b",")
    own = [entry for member in members if (entry := member.strip(b" \t")).startswith(b"ot=")]
    if not own:
        return None, None
    entry = own[0][3:]
    if len(own) > 1 or len(entry) > _MAX_VALUE_LENGTH or not _ENTRY.fullmatch(entry):
        return None
    pairs = [part.split(b":", 1) for part in entry.split(b";")]
    values_of = dict(pairs)
    th, rv = values_of.get(b"th"), values_of.get(b"rv")
    if len(values_of) < len(pairs):  # a repeated key
        return None
    if (th is not None and not _THRESHOLD.fullmatch(th)) or (
        rv is not None and not _RANDOMNESS.fullmatch(rv)
    ):
        return None
    return (
        None if th is None else int(th.ljust(_HEX_DIGITS, b"0"), 16),
        None if rv is None else int(rv, 16),
    )
