"""Column that splits both sides into segments, such as a task type, a model or a tenant."""

from collections.abc import Iterable, Sequence
from typing import Any

from monitor.errors import InputError
from monitor.rendering.excerpts import clean_version_name, excerpt
from monitor.traffic.exchange import LABELS, Exchange

#: With more values a column names exchanges, users or texts.
MAX_SEGMENTS = 50
#: Columns that an error names.
NAMED = 12
#: Labels that split nothing: end users are the units of all tests.
_NOT_SPLIT = frozenset({"end_user"})


def segment_labels(sides: Sequence[Sequence[Exchange]], column: str) -> list[list[str]]:
    """Return the segment of each exchange of each side; empty where it has no value.

    Args:
        sides: The exchanges of the reference and of the current side.
        column: ``task_type``, ``model``, or a key of the metadata. A number is read as its text.

    Raises:
        InputError: No exchange has a value, or there are more than 50 values.
    """
    labels = [[_label(exchange, column) for exchange in side] for side in sides]
    values = {label for side in labels for label in side} - {""}
    if not values:
        usable = ", ".join(_usable(sides)) or "none"
        raise InputError(
            f"--by {excerpt(column, 60)}: no exchange of either side has a value; columns with 2 "
            f"to {MAX_SEGMENTS} values: {usable}",
            code="no_segments",
        )
    if len(values) > MAX_SEGMENTS:
        n = sum(map(len, sides))
        raise InputError(
            f"--by {excerpt(column, 60)}: {len(values):,} values in {n:,} exchanges, and a segment "
            f"needs many exchanges; name a column with at most {MAX_SEGMENTS} values, such as "
            f"{', '.join(_usable(sides)) or 'task_type'}",
            code="too_many_segments",
        )
    return labels


def _label(exchange: Exchange, column: str) -> str:
    if column in LABELS and column not in _NOT_SPLIT:
        return clean_version_name(getattr(exchange, column))
    return _text(exchange.attributes.get(column))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return clean_version_name(str(value)) if isinstance(value, str | int | float) else ""


def _usable(sides: Sequence[Sequence[Exchange]]) -> list[str]:
    """Return the columns that could split the sides, in order of the alphabet."""
    names = {key for side in sides for exchange in side for key in exchange.attributes}
    names |= set(LABELS) - _NOT_SPLIT
    usable = [name for name in sorted(names) if _splits(sides, name)]
    return [excerpt(name, 40) for name in usable[:NAMED]]


def _splits(sides: Sequence[Sequence[Exchange]], column: str) -> bool:
    labels: Iterable[str] = (_label(exchange, column) for side in sides for exchange in side)
    seen: set[str] = set()
    for label in labels:
        seen.add(label)
        if len(seen - {""}) > MAX_SEGMENTS:
            return False
    return len(seen - {""}) > 1
