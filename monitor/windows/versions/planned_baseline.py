"""Baselines of promoted versions, made of their own first week of traffic.

A promotion plans the baseline in its own transaction. Until a week of the new version's traffic has
been evaluated, the version is compared with the model's newest baseline, so that no window is
without one; this includes the windows that become the baseline.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import Engine

from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.traffic.baseline_copies import create_baseline_from_traffic
from monitor.store.traffic.baselines import BaselineRow, list_baselines
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import load_window
from monitor.store.training.baseline_plans import (
    BaselinePlanRow,
    close_baseline_plan,
    pending_baseline_plan,
    set_searched_until,
)
from monitor.store.training.versions.serving_order import ServingPeriod
from monitor.store.training.versions.serving_periods import serving_periods
from monitor.store.windows.drift_evaluations import evaluated_windows
from monitor.traffic.sampling.design import baseline_sampling
from monitor.windows.reading.reembedding import EncoderSource
from monitor.windows.reading.stored_window import read_window
from monitor.windows.versions.split import assign_versions, split_by_version

#: Most exchanges of a baseline; more take longer without a benefit.
MAX_EXCHANGES = 20_000
#: The version of most responses in this time before the promotion is the previous one.
PREVIOUS_PERIOD = timedelta(days=1)
WEEK = timedelta(days=7)

log = structlog.get_logger()


def advance_baseline(
    engine: Engine, settings: Settings, now: datetime, encoder: EncoderSource
) -> BaselineRow | None:
    """Make the planned baseline of the first evaluated window with enough of the version, if any.

    ``drift.min_samples`` exchanges are enough. The encoder is called where texts of
    a window are to be embedded again.
    """
    plan, to_search = _pending(engine, settings.model.name)
    if plan is None or not to_search:
        return None
    with transaction(engine) as connection:
        periods = serving_periods(connection, plan.model)
    for bounds in to_search:
        made = _from_window(engine, settings, plan, periods, bounds, now=now, encoder=encoder)
        if made is not None:
            return made
        with transaction(engine) as connection:
            set_searched_until(connection, plan.id, bounds[1])
    return None


def baseline_is_due(engine: Engine, model: str) -> bool:
    """Return whether :func:`advance_baseline` has windows to search."""
    return bool(_pending(engine, model)[1])


def _pending(
    engine: Engine, model: str
) -> tuple[BaselinePlanRow | None, list[tuple[datetime, datetime]]]:
    """Return the planned baseline of a model, and the periods that were not searched for it yet."""
    with transaction(engine) as connection:
        plan = pending_baseline_plan(connection, model)
        if plan is None:
            return None, []
        done = sorted(evaluated_windows(connection, model))
    since = max(plan.since, plan.searched_until or plan.since)
    return plan, _periods([window for window in done if window[0] >= since])


def _periods(windows: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Return windows, and of shorter ones periods of a week: a day is no baseline of a weekend."""
    periods: list[tuple[datetime, datetime]] = []
    for start, end in windows:
        if end - start >= WEEK:
            periods.append((start, end))
        elif not periods or start >= periods[-1][1]:
            periods.append((start, start + WEEK))
    last = max((end for _, end in windows), default=None)
    return [period for period in periods if last is not None and period[1] <= last]


def _from_window(
    engine: Engine,
    settings: Settings,
    plan: BaselinePlanRow,
    periods: list[ServingPeriod],
    bounds: tuple[datetime, datetime],
    *,
    now: datetime,
    encoder: EncoderSource,
) -> BaselineRow | None:
    field = settings.model.version_field
    window = read_window(engine, plan.model, bounds, encoder).rows
    if not len(window):
        return None
    parts = split_by_version(
        assign_versions(window, periods, field=field),
        window.occurred_at,
        field=field,
        span=bounds[1] - bounds[0],
        least=0,
    ).parts
    part = max(
        (part for part in parts if part.is_serving), key=lambda part: len(part.rows), default=None
    )
    if (
        part is None
        or not part.version
        or _served_before(engine, plan, periods, field, part.version)
    ):
        return None
    with transaction(engine) as connection:
        own = [
            baseline
            for baseline in list_baselines(connection, plan.model)
            if baseline.model_version == part.version
        ]
    if own:  # imported by a user, or the version served before
        with transaction(engine) as connection:
            close_baseline_plan(connection, plan.id, own[0].id, now)
        return None
    rows = window.take(part.rows)
    rows = rows.take(equal_sample(rows, MAX_EXCHANGES))
    if len(rows) < settings.drift.min_samples:
        return None
    rows = replace(rows, **baseline_sampling(rows.exchange_ids))
    with transaction(engine) as connection:
        made = create_baseline_from_traffic(connection, plan.model, part.version, rows, now=now)
        if not close_baseline_plan(connection, plan.id, made.id, now):
            return None  # another version was promoted meanwhile; the baseline is kept for later
    log.info(
        "version_baseline_created",
        model=plan.model,
        version=part.version,
        baseline=made.id,
        n_exchanges=made.n_exchanges,
        window_start=bounds[0].isoformat(),
    )
    return made


def equal_sample(rows: Exchanges, limit: int) -> NDArray[np.int64]:
    """Return rows of a sample with equal inclusion probabilities, int64, in order of time.

    Exchanges sampled at a higher rate are thinned to the lowest rate, and all to at most ``limit``
    in expectation, by the randomness that each exchange was sampled with.
    """
    probability = rows.inclusion_probability
    lowest = float(probability.min())
    total = float((1.0 / probability).sum())
    chance = min(lowest, limit / total)
    uniform = np.zeros(len(rows)) if rows.uniform is None else rows.uniform
    return np.flatnonzero(uniform < chance / probability).astype(np.int64)


def _served_before(
    engine: Engine,
    plan: BaselinePlanRow,
    periods: list[ServingPeriod],
    field: str,
    version: str,
) -> bool:
    """Return whether most responses before the promotion had this version: then it is not new.

    A gateway that does not know of the promotion continues with the previous version.
    """
    with transaction(engine) as connection:
        before = load_window(connection, plan.model, plan.since - PREVIOUS_PERIOD, plan.since)
    named = assign_versions(before, periods, field=field)
    return bool(named) and named.count(version) * 2 > len(named)
