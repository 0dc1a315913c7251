"""Daily counts of sampled exchanges of models that the configuration doesn't list."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from monitor.store.tables import Exchange, UnlistedExchanges
from monitor.store.traffic.daily_counts import (
    DailyCounts,
    ModelDay,
    SampledCount,
    add_counts,
    start_of_day,
)

#: Names of a source and day that are counted by themselves; a gateway may pass on any text.
MAX_NAMES = 200
#: The name under which the rest is counted.
OTHER_NAMES = "(other names)"


@dataclass(frozen=True)
class UnlistedModel:
    """Traffic of a model that isn't listed."""

    #: As in the traffic; empty where it names none.
    name: str
    #: Sampled exchanges.
    n: int
    #: Exchanges of the traffic that they represent.
    estimated_total: float
    #: First day on which it was seen, in all of the traffic.
    first_day: datetime


def add_unlisted(connection: Connection, counts: DailyCounts) -> None:
    """Add to the counts, in the transaction that moves the offsets."""
    limited: dict[ModelDay, SampledCount] = {}
    known: dict[tuple[str, datetime], set[str]] = {}
    for day, count in sorted(counts.items()):
        names = known.setdefault(
            (day.source, day.day), _counted_names(connection, day.source, day.day)
        )
        if day.model not in names and len(names) >= MAX_NAMES:
            counted = ModelDay(day.source, OTHER_NAMES, day.day)
        else:
            names.add(day.model)
            counted = day
        limited[counted] = limited.get(counted, SampledCount()) + count
    add_counts(connection, UnlistedExchanges, limited)


def unlisted_models(
    connection: Connection, start: datetime, end: datetime, listed: Iterable[str]
) -> list[UnlistedModel]:
    """Return the unlisted models with traffic on the days of ``[start, end)``, the largest first.

    Models that are ``listed`` now are left out, whatever was counted before.
    """
    total = func.sum(UnlistedExchanges.estimated_total)
    rows = connection.execute(
        select(UnlistedExchanges.model, func.sum(UnlistedExchanges.count), total)
        .where(
            UnlistedExchanges.day >= start,
            UnlistedExchanges.day < end,
            UnlistedExchanges.model.not_in(list(listed)),
        )
        .group_by(UnlistedExchanges.model)
        .order_by(total.desc(), UnlistedExchanges.model)
    ).all()
    first_seen = connection.execute(
        select(UnlistedExchanges.model, func.min(UnlistedExchanges.day))
        .where(UnlistedExchanges.model.in_([row[0] for row in rows]))
        .group_by(UnlistedExchanges.model)
    )
    first_days: dict[str, datetime] = dict(first_seen.all())
    return [
        UnlistedModel(name, int(n), float(estimated), first_days[name])
        for name, n, estimated in rows
    ]


def last_seven_days(now: datetime) -> tuple[datetime, datetime]:
    """Return the first of the last seven whole days, and the present."""
    return start_of_day(now) - timedelta(days=7), now


def estimated_traffic(connection: Connection, start: datetime, end: datetime) -> float:
    """Return the estimated number of exchanges that were stored from ``[start, end)``."""
    return float(
        connection.execute(
            select(func.coalesce(func.sum(1.0 / Exchange.inclusion_probability), 0.0)).where(
                Exchange.occurred_at >= start,
                Exchange.occurred_at < end,
                Exchange.baseline_id.is_(None),
            )
        ).scalar_one()
    )


def _counted_names(connection: Connection, source: str, day: datetime) -> set[str]:
    return set(
        connection.execute(
            select(UnlistedExchanges.model).where(
                UnlistedExchanges.source == source, UnlistedExchanges.day == day
            )
        ).scalars()
    )
