"""Descriptors of responses that are part of the test of the responses given the prompts."""

from collections.abc import Sequence
from math import inf
from typing import Literal

from monitor.descriptors.catalogue import DESCRIPTORS
from monitor.drift import DescriptorChange, ResponseDescriptor
from monitor.windows.comparison.numeric_columns import UNRELATED
from monitor.windows.comparison.numeric_comparison import NumericColumn

#: Compared where few of the *baseline's* responses are unrelated: that choice depends on the side,
#: so a test on permuted sides would not be exact. Distances of responses detect the same.
NOT_TESTED = frozenset({UNRELATED})
#: Counts change by a factor, other descriptors by a difference.
COUNTS = frozenset(entry.name for entry in DESCRIPTORS if entry.highest == inf)
#: Descriptors that aren't shares, or means of numbers in [0, 1].
VALUES = frozenset(entry.name for entry in DESCRIPTORS if 1.0 < entry.highest < inf)


def response_descriptors(columns: Sequence[NumericColumn]) -> tuple[ResponseDescriptor, ...]:
    """Return the tested descriptors of the responses among the columns of both sides."""
    return tuple(
        ResponseDescriptor(
            name=column.name,
            reference=column.reference,
            current=column.current,
            is_relative=column.name in COUNTS,
        )
        for column in columns
        if column.side == "response" and column.name not in NOT_TESTED
    )


def unit_of(change: DescriptorChange) -> Literal["percent", "points", "value"]:
    """Return the unit in which a change is reported."""
    if change.is_relative:
        return "percent"
    return "value" if change.name in VALUES else "points"
