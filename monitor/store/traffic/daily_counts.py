"""Daily counts of sampled exchanges that are counted and not stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.store.added_counts import add_to_rows
from monitor.store.tables import UnlistedExchanges, WithheldExchanges


@dataclass(frozen=True, order=True)
class ModelDay:
    """The source, model and day of a count."""

    source: str
    #: As in the traffic.
    model: str
    #: Midnight UTC.
    day: datetime


@dataclass(frozen=True)
class SampledCount:
    """Number of sampled exchanges."""

    n: int = 0
    #: Number of exchanges of the traffic that they represent: sum of 1 / inclusion probability.
    estimated_total: float = 0.0

    def __add__(self, other: "SampledCount") -> "SampledCount":
        """Return the sum of two counts."""
        return SampledCount(self.n + other.n, self.estimated_total + other.estimated_total)


DailyCounts = Mapping[ModelDay, SampledCount]


def start_of_day(moment: datetime) -> datetime:
    """Return the start of the day in UTC."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def add_counts(
    connection: Connection,
    table: type[WithheldExchanges] | type[UnlistedExchanges],
    counts: DailyCounts,
) -> None:
    """Add to the counts of a table, in the transaction that moves the offsets."""
    rows = [
        {**vars(day), "count": count.n, "estimated_total": count.estimated_total}
        for day, count in sorted(counts.items())
    ]
    add_to_rows(connection, table, ("source", "model", "day"), rows)
