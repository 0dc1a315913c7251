"""Error rate of each window's control slice by version, for the chart of windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection

from monitor.review.decision.error_rate import (
    ControlSlice,
    RateEstimate,
    control_slice,
    estimate_rate,
)
from monitor.review.decision.evidence import launch_rate
from monitor.review.decision.rule import Baseline
from monitor.settings import Review
from monitor.store.review.draws import draws_of_batches
from monitor.store.review.items import list_batches
from monitor.store.training.versions.known_versions import known_versions
from monitor.store.windows.window_figures import WindowFigures


@dataclass(frozen=True)
class WeeklyRate:
    """The control slice of a version's part of a window, with its error rate."""

    #: Name of the version that responded; empty: unknown.
    version: str
    control: ControlSlice
    #: ``None`` if no point is decided.
    rate: RateEstimate | None
    #: Error rate of the version at launch.
    launch: Baseline


def weekly_rates(
    connection: Connection, model: str, windows: Sequence[WindowFigures], review: Review
) -> dict[int, list[WeeklyRate]]:
    """Return the control slice of each version in each window that has a batch.

    By drift evaluation, and of one the versions in the order of their names. The oldest window
    comes first. A batch without a control item is of the version that serves.
    """
    if not windows:
        return {}
    known = known_versions(connection, model)
    batches = list_batches(
        connection, model, ends_after=windows[0].start, ends_until=windows[-1].end
    )
    drawn = draws_of_batches(connection, [batch.id for batch in batches])

    @cache
    def launch(version: str) -> Baseline:
        return launch_rate(connection, model, review, known.number(version))

    rates: dict[int, list[WeeklyRate]] = {}
    for batch in batches:
        control = [row for row in drawn if row.batch_id == batch.id and row.control_points]
        versions = {known.name(row.version) for row in control} or {known.serving}
        for version in sorted(versions):
            part = control_slice(row for row in control if known.name(row.version) == version)
            rate = estimate_rate(part.errors, part.n) if part.n else None
            weekly = WeeklyRate(version, part, rate, launch(version))
            rates.setdefault(batch.evaluation_id, []).append(weekly)
    return rates
