"""Detection of a file's shape from its first objects."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from monitor.errors import InputError, RecordError
from monitor.settings import Traffic
from monitor.traffic.files.line_numbers import quote_numbers
from monitor.traffic.files.shapes.column_names import TIMES, USERS, normalize
from monitor.traffic.files.shapes.column_rows import column_shape
from monitor.traffic.files.shapes.columns import SETTINGS, guess_columns, guess_metrics
from monitor.traffic.files.shapes.conversations import SHAREGPT
from monitor.traffic.files.shapes.doubtful_rows import (
    refuse_enclosed_rows,
    refuse_rendered_conversations,
    refuse_single_messages,
)
from monitor.traffic.files.shapes.instructions import ALPACA
from monitor.traffic.files.shapes.langfuse import OBSERVATIONS, TRACES
from monitor.traffic.files.shapes.langsmith import RUNS
from monitor.traffic.files.shapes.openai_batch import BATCH, BATCH_INPUT, BATCH_OUTPUT
from monitor.traffic.files.shapes.phoenix import SPANS
from monitor.traffic.files.shapes.shape import Object, Shape, TrafficLines, quote_keys
from monitor.traffic.files.shapes.training_files import COMPLETIONS, PREFERENCES
from monitor.traffic.formats import FORMATS
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import RawExchange, split_final_response

#: Shapes that are known by their keys; the first that matches counts.
KNOWN = (
    *(SHAREGPT, BATCH, BATCH_INPUT, BATCH_OUTPUT, RUNS, OBSERVATIONS, TRACES, SPANS),
    *(PREFERENCES, COMPLETIONS, ALPACA),
)
#: The share of objects of a second shape from which on a file has two shapes.
MAX_SHARE_OF_SECOND = 0.1

_COMPLETE, _PARTIAL, _RESPONSE, _UNKNOWN = "exchange", "part of an exchange", "response", ""
_OF_TRAFFIC = frozenset({_COMPLETE, _PARTIAL, _RESPONSE})
#: Reads each record by itself, in the formats that Kafka carries.
TRAFFIC = TrafficLines("exchanges", lambda _: True, lambda _: [])


def is_detected(settings: Traffic) -> bool:
    """Return whether shapes are detected: no format and no field is set."""
    return settings.format == "auto" and not settings.fields.prompt


def detect_shape(
    first: Sequence[Object],
    *,
    source: str = "the file",
    joins_halves: bool = False,
    is_table: bool = False,
    unit: str = "line",
) -> Shape:
    """Return the shape of a file's objects.

    A line in the plain form, or in another format of the traffic, is read as that; columns are
    guessed only where the first lines have no exchange in such a format.

    With ``joins_halves`` a prompt or a response alone is half an exchange. The metadata of a
    table's rows can't be an object of its own. Errors name the ``source``, and what it is counted
    in.

    Raises:
        InputError: The objects have two shapes, or none; or the shape has no exchange alone.
    """
    labels = [_label(content) for content in first]
    counts = Counter(label or _UNKNOWN for label in labels)
    n_responses = counts.pop(_RESPONSE, 0)
    n_traffic = counts.pop(_COMPLETE, 0) + counts.pop(_PARTIAL, 0) + n_responses
    n_unknown = counts.pop(_UNKNOWN, 0)
    (name, count), *_ = counts.most_common(1) or [("", 0)]
    if count:
        _refuse_two_shapes(first, labels, source, unit)
    if count > max(n_traffic, n_unknown):
        shape = next(shape for shape in KNOWN if shape.name == name)
        problem = shape.problem([content for content in first if shape.matches(content)])
        if problem:
            raise InputError(f"{source}: {shape.name}: {problem}", code="no_exchange_in_shape")
        return shape
    rest = [
        content
        for content, label in zip(first, labels, strict=True)
        if label in {_PARTIAL, _RESPONSE, _UNKNOWN}
    ]
    if not first or joins_halves or (len(rest) * 2 <= len(first) and not is_table):
        return _traffic(first)
    rows = first if is_table else rest
    refuse_enclosed_rows(rows, source)
    refuse_single_messages(rows, source)
    columns = guess_columns(rows, source=source)
    refuse_rendered_conversations(rows, columns, source)
    if columns.prompt and (columns.response or is_table or not n_traffic):
        return column_shape(columns)
    if n_traffic > n_responses:
        return _traffic(first)
    raise InputError(_unknown(rows, source), code="unknown_shape")


def _traffic(first: Sequence[Object]) -> Shape:
    """Return the formats of the traffic, with a remark on what plain lines have and none reads."""
    labels = {"user": USERS, "timestamp": TIMES}
    keys = Counter(key for content in first for key in content)
    if "prompt" not in keys:
        return TRAFFIC
    unread = [
        f"{key} (plain lines have {label})"
        for key, count in keys.items()
        for label, aliases in labels.items()
        if count * 2 > len(first) and label not in keys and normalize(key) in aliases
    ]
    metrics = guess_metrics(first) if "response" in keys else []
    if metrics:
        unread.append(f"{', '.join(metrics)} (plain lines have metrics in metadata)")
    return replace(TRAFFIC, remark=f"not read: {', '.join(unread)}") if unread else TRAFFIC


def _label(content: Object) -> str:
    """Return the name of a known shape, or how much of an exchange the traffic's formats read."""
    if not {"prompt", "response"} <= content.keys():
        known = next((shape.name for shape in KNOWN if shape.matches(content)), None)
        if known is not None:
            return known
    payload = Payload.of(dict(content))
    try:
        parts = [
            parts
            for name, known_format in FORMATS.items()
            if name != "mapped" and (parts := known_format.read(payload)) is not None
        ]
    except RecordError:
        return _PARTIAL
    if not parts:
        return _UNKNOWN
    exchanges = [split_final_response(part) for part in parts[0] if isinstance(part, RawExchange)]
    has_both = all(raw.withheld or (raw.messages and raw.response is not None) for raw in exchanges)
    if has_both:
        return _COMPLETE
    return _PARTIAL if any(raw.messages for raw in exchanges) else _RESPONSE


def _refuse_two_shapes(
    first: Sequence[Object], labels: Sequence[str], source: str, unit: str
) -> None:
    """Refuse a file in which the second shape is more than a few odd lines."""
    merged = ["exchanges" if label in _OF_TRAFFIC else label for label in labels]
    shapes = Counter(label for label in merged if label)
    (main, _), (second, n_second) = [*shapes.most_common(2), ("", 0)][:2]
    if n_second > 1 and n_second > MAX_SHARE_OF_SECOND * len(first):
        raise InputError(
            f"{source}: two shapes in one file: {main} ({_numbers(merged, main, unit)}) and "
            f"{second} ({_numbers(merged, second, unit)}); give a file for each",
            code="two_shapes",
        )


def _numbers(labels: Sequence[str], name: str, unit: str) -> str:
    numbers = [number for number, label in enumerate(labels, 1) if label == name]
    return quote_numbers(numbers, unit)


def _unknown(rows: Sequence[Object], source: str) -> str:
    keys = Counter(quote_keys(content) for content in rows).most_common(1)[0][0]
    return (
        f"{source}: no exchange; keys: {keys}. Name those of the texts by {SETTINGS} (or a path: "
        "input.text, messages.0.content)"
    )
