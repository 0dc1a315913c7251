"""Looks that are due: read, examined and stored, each in one transaction."""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import numpy as np
import structlog
from sqlalchemy import Engine
from threadpoolctl import threadpool_limits

from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.traffic.exchanges import first_exchange_at
from monitor.store.training.versions.serving_periods import serving_periods
from monitor.store.windows.looks import count_traffic, last_look_at, save_look
from monitor.traffic.sampling.rates import SamplingRates
from monitor.windows.looks.examination import MIN_END_USERS, Examination, examine
from monitor.windows.looks.levels import look_level
from monitor.windows.reading.baselines import Baselines
from monitor.windows.reading.formats_in_force import formats_in_force
from monitor.windows.reading.reembedding import EncoderSource
from monitor.windows.reading.stored_window import read_window
from monitor.windows.versions.split import (
    assign_versions,
    drop_version_field,
    split_by_version,
)

DAY = timedelta(days=1)
#: New exchanges since the look before: with fewer, another look could hardly see more.
MIN_NEW = 20

log = structlog.get_logger()


def looks_due(engine: Engine, settings: Settings, until: datetime) -> list[datetime]:
    """Return the ends of the looks of a model that are due, the oldest first.

    After a pause the looks of the last 24 hours are made up for: the windows hold what is older.

    The traffic is stored up to ``until``.
    """
    frequency = settings.monitoring.large_changes
    if frequency == "off":
        return []
    with transaction(engine) as connection:
        first = first_exchange_at(connection, settings.model.name)
        last = last_look_at(connection, settings.model.name)
    return [] if first is None else list(due_looks(first, last, until, frequency))


def due_looks(
    first: datetime, last: datetime | None, until: datetime, frequency: str
) -> Iterator[datetime]:
    """Yield the ends of the looks that are due, the oldest first.

    The first look is 24 hours after the first traffic, since hours differ. ``hourly`` looks are at
    each full hour, ``daily`` ones at midnight, in UTC.
    """
    if until < first + DAY:  # also where a partition was never read to its end, since the year 1
        return
    step = timedelta(hours=1) if frequency == "hourly" else DAY
    at = until.astimezone(UTC)
    at = at.replace(minute=0, second=0, microsecond=0, hour=at.hour if step < DAY else 0)
    earliest = max(first + DAY, at - DAY + step)
    if last is not None:
        earliest = max(earliest, last + step)
    yield from (end for back in range(24, -1, -1) if earliest <= (end := at - back * step))


def run_look(
    engine: Engine, settings: Settings, end: datetime, now: datetime, *, encoder: EncoderSource
) -> bool:
    """Run a look and store it; return whether it alarms.

    A look that a killed process didn't store is run again, on the same rows with the same result.
    """
    model, bounds = settings.model.name, (end - DAY, end)
    with transaction(engine) as connection:
        n, n_users = count_traffic(connection, model, *bounds)
        before = last_look_at(connection, model, statuses=("done",))
        n_new = n if before is None else count_traffic(connection, model, before, end)[0]
    result, digest = None, ""
    enough = n >= settings.drift.min_samples and n_users >= MIN_END_USERS
    if enough and n_new >= MIN_NEW:
        # Sums that are split over threads differ in their last digits by the number of cores.
        with threadpool_limits(1, user_api="blas"):
            result, digest = _examine(engine, settings, bounds, now, encoder)
    with transaction(engine) as connection:
        look_id = save_look(
            connection,
            model=model,
            looked_until=end,
            n_exchanges=n if result is None else result.n_exchanges,
            n_end_users=n_users if result is None else result.n_end_users,
            findings=None if result is None else result.findings,
            provenance={} if result is None else _provenance(settings, digest),
            now=now,
        )
    is_alarm = look_id is not None and result is not None and bool(result.findings)
    if is_alarm:
        log.warning("look_alarm", model=model, until=end.isoformat(), look=look_id)
    return is_alarm


def record_failed_look(
    engine: Engine, settings: Settings, end: datetime, error: str, now: datetime
) -> None:
    """Record why a look failed."""
    model = settings.model.name
    with transaction(engine) as connection:
        n, n_users = count_traffic(connection, model, end - DAY, end)
        save_look(
            connection,
            model=model,
            looked_until=end,
            n_exchanges=n,
            n_end_users=n_users,
            findings=None,
            provenance={},
            now=now,
            error=error,
        )


def _examine(
    engine: Engine,
    settings: Settings,
    bounds: tuple[datetime, datetime],
    now: datetime,
    encoder: EncoderSource,
) -> tuple[Examination | None, str]:
    """Examine the exchanges of the version that serves most, against its baseline."""
    model, field = settings.model.name, settings.model.version_field
    rows = read_window(engine, model, bounds, encoder).rows
    with transaction(engine) as connection:
        periods = serving_periods(connection, model)
    split = split_by_version(
        assign_versions(rows, periods, field=field),
        rows.occurred_at,
        field=field,
        span=DAY,
        least=settings.drift.min_samples,
    )
    serving = [part for part in split.parts if part.is_serving] or split.parts
    largest = max(serving, key=lambda part: len(part.rows))
    reference = Baselines(engine, model, rows.encoder, encoder, now).of(largest.version)
    if reference.rows is None or reference.baseline is None:
        return None, ""
    rates = SamplingRates(settings)
    result = examine(
        drop_version_field(reference.rows, field),
        drop_version_field(rows.take(largest.rows), field),
        drift=settings.drift,
        alert_threshold=settings.monitoring.alert_threshold,
        level=_level(settings),
        seed=_seed(settings, bounds[1]),
        rate_for=lambda task_type: rates.rate_for(model, task_type),
        declared=formats_in_force(engine, settings).formats,
    )
    return result, reference.baseline.digest


def _level(settings: Settings) -> float:
    return look_level(settings.drift.false_alarms_a_year, settings.monitoring.large_changes)


def _provenance(settings: Settings, digest: str) -> dict[str, str | float]:
    return {
        "baseline": digest,
        "level": _level(settings),
        "alert_threshold": settings.monitoring.alert_threshold,
        "seed": settings.drift.seed,
        "driftwarden": version("driftwarden"),
    }


def _seed(settings: Settings, end: datetime) -> int:
    entropy = [abs(settings.drift.seed), zlib.crc32(settings.model.name.encode())]
    sequence = np.random.SeedSequence([*entropy, int(end.timestamp())])
    return int(sequence.generate_state(1)[0])
