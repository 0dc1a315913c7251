"""Daily counts of sampled exchanges whose texts the source withheld."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from monitor.store.tables import WithheldExchanges
from monitor.store.traffic.daily_counts import DailyCounts, SampledCount, add_counts


def add_withheld(connection: Connection, counts: DailyCounts) -> None:
    """Add to the counts, in the transaction that moves the offsets."""
    add_counts(connection, WithheldExchanges, counts)


def count_withheld(
    connection: Connection, model: str, start: datetime, end: datetime
) -> SampledCount:
    """Return the number of a model's exchanges withheld on the days of ``[start, end)``."""
    count, estimated_total = connection.execute(
        select(
            func.coalesce(func.sum(WithheldExchanges.count), 0),
            func.coalesce(func.sum(WithheldExchanges.estimated_total), 0.0),
        ).where(
            WithheldExchanges.model == model,
            WithheldExchanges.day >= start,
            WithheldExchanges.day < end,
        )
    ).one()
    return SampledCount(int(count), float(estimated_total))


def first_withheld_day(connection: Connection, model: str) -> datetime | None:
    """Return the first day on which exchanges of a model were withheld."""
    return connection.execute(
        select(func.min(WithheldExchanges.day)).where(WithheldExchanges.model == model)
    ).scalar_one()
