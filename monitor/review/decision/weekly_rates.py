"""Error rate of each window's control slice, for the chart of windows."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from monitor.review.decision.error_rate import (
    ControlSlice,
    RateEstimate,
    control_slice,
    estimate_rate,
)
from monitor.store.review.draws import draws_of_batches
from monitor.store.review.items import list_batches
from monitor.store.windows.digest import WindowFigures


@dataclass(frozen=True)
class WeeklyRate:
    """The control slice of a window, with its error rate."""

    control: ControlSlice
    #: ``None`` if no point is decided.
    rate: RateEstimate | None


def weekly_rates(
    connection: Connection, model: str, windows: Sequence[WindowFigures]
) -> dict[int, WeeklyRate]:
    """Return the control slice of each window that has a batch, by drift evaluation.

    The oldest window comes first.
    """
    if not windows:
        return {}
    batches = list_batches(
        connection, model, ends_after=windows[0].start, ends_until=windows[-1].end
    )
    drawn = draws_of_batches(connection, [batch.id for batch in batches])
    rates = {}
    for batch in batches:
        control = control_slice(row for row in drawn if row.batch_id == batch.id)
        rate = estimate_rate(control.errors, control.n) if control.n else None
        rates[batch.evaluation_id] = WeeklyRate(control, rate)
    return rates
