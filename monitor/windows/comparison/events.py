"""Events of the responses: empty, refused, cut off, in a broken format, or an error instead.

They are rare, and one in ten is an incident at sizes where no test of vectors or means shows it: so
they have an exact test of their own, and a part of the false-alarm budget.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from monitor.drift import SampleDesign
from monitor.drift.numeric.events import compare_event
from monitor.drift.numeric.shares import share_limits
from monitor.drift.numeric.side import make_side
from monitor.drift.samples.pool import number_owners
from monitor.statistics.mover import Limits
from monitor.statistics.multiplicity import tarone
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import EVENT_KINDS, Explanation, ShareEstimate
from monitor.windows.alarm_rule import event_alarms
from monitor.windows.comparison.bursts import burst_groups
from monitor.windows.comparison.numeric_comparison import NumericColumn

#: Events and owners of both sides, the baseline's first.
Values = tuple[NDArray[np.float64], NDArray[np.float64]]
Owners = tuple[NDArray[np.int64], NDArray[np.int64]]


def compare_events(
    reference: Exchanges,
    current: Exchanges,
    columns: Sequence[NumericColumn],
    *,
    design: SampleDesign | None,
    level: float,
    min_rise: float,
) -> tuple[Explanation, ...]:
    """Return the events whose share rose, with the p-value of the rise; those that alarm first.

    A failed call has no response that could be empty. P-values are adjusted over the events by
    Tarone's method: an event that is too rare on both sides to be significant costs nothing.

    Args:
        reference: The baseline.
        current: The window.
        columns: The descriptors of their responses.
        design: Of the window, where it was sampled at several rates: the comparable exchanges are
            tested, and shares are weighted.
        level: Of all events together.
        min_rise: Least rise of the share that alarms.
    """
    columns = [
        column for column in columns if column.side == "response" and column.name in EVENT_KINDS
    ]
    failed = next((column for column in columns if column.name == "error"), None)
    owners = (_owners(reference, "reference"), _owners(current, "current"))
    values = [_values(column, failed) for column in columns]
    tests = [compare_event(*_comparable(of_event, owners, design)) for of_event in values]
    adjusted = tarone(
        np.array([test.p_value for test in tests]),
        np.array([test.attainable for test in tests]),
        level,
    )
    events = []
    for column, of_event, p_value in zip(columns, values, adjusted.tolist(), strict=True):
        before, now = (
            share_limits(make_side(np.nan_to_num(side), owner, weights, "responses"), 1.0)
            for side, owner, weights in zip(of_event, owners, (None, current.weights), strict=True)
        )
        if now.mean <= before.mean:
            continue
        rows = np.flatnonzero(of_event[1] == 1.0)
        events.append(
            Explanation(
                kind=EVENT_KINDS[column.name],
                side="response",
                reference=_estimate(before),
                current=_estimate(now),
                since=None if before.mean > 0.0 else _first(current.occurred_at, rows),
                n_end_users=current.count_users(rows) if any(current.end_users) else 0,
                p_value=p_value,
                alarm=event_alarms(now.mean - before.mean, p_value, level=level, min_rise=min_rise),
            )
        )
    return tuple(
        sorted(
            events,
            key=lambda event: (
                not event.alarm,
                event.reference.estimate - event.current.estimate,
            ),
        )
    )


def _owners(side: Exchanges, name: str) -> NDArray[np.int64]:
    return number_owners(burst_groups(side, name) or None, len(side), {}, 0, "end_users")


def _values(column: NumericColumn, failed: NumericColumn | None) -> Values:
    """Return an event of both sides; NaN where it does not apply, as without a response."""
    if failed is None or column is failed:
        return column.reference, column.current
    return (
        np.where(failed.reference == 1.0, np.nan, column.reference),
        np.where(failed.current == 1.0, np.nan, column.current),
    )


def _comparable(
    values: Values, owners: Owners, design: SampleDesign | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    if design is None:
        return *values, *owners
    before, now = design.reference_comparable, design.current_comparable
    return values[0][before], values[1][now], owners[0][before], owners[1][now]


def _first(times: Sequence[datetime], rows: NDArray[np.int64]) -> datetime | None:
    """Return the time of the first of some exchanges; ``None`` where times are unknown."""
    if len(set(times)) < 2:
        return None
    first: int = min(rows.tolist(), key=times.__getitem__)
    return times[first]


def _estimate(limits: Limits) -> ShareEstimate:
    return ShareEstimate.of(limits.mean, (limits.lower, limits.upper))
