"""Daily counts of sampled exchanges whose texts the source withheld."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from monitor.store.tables import WithheldExchanges


@dataclass(frozen=True, order=True)
class WithheldDay:
    """The source, model and day of a count."""

    source: str
    model: str
    #: Midnight UTC.
    day: datetime


@dataclass(frozen=True)
class WithheldCount:
    """Number of withheld exchanges."""

    n: int = 0
    #: Number of exchanges that they represent: sum of 1 / inclusion probability.
    estimated_total: float = 0.0

    def __add__(self, other: "WithheldCount") -> "WithheldCount":
        """Return the sum of two counts."""
        return WithheldCount(self.n + other.n, self.estimated_total + other.estimated_total)


def start_of_day(moment: datetime) -> datetime:
    """Return the start of the day in UTC."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def add_withheld(connection: Connection, counts: Mapping[WithheldDay, WithheldCount]) -> None:
    """Add to the counts, in the transaction that moves the offsets."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # In a fixed order, so that replicas can't deadlock.
    for day, count in sorted(counts.items()):
        statement = dialect.insert(WithheldExchanges).values(
            source=day.source,
            model=day.model,
            day=day.day,
            count=count.n,
            estimated_total=count.estimated_total,
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["source", "model", "day"],
                set_={
                    name: getattr(WithheldExchanges, name) + statement.excluded[name]
                    for name in ("count", "estimated_total")
                },
            )
        )


def count_withheld(
    connection: Connection, model: str, start: datetime, end: datetime
) -> WithheldCount:
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
    return WithheldCount(int(count), float(estimated_total))


def first_withheld_day(connection: Connection, model: str) -> datetime | None:
    """Return the first day on which exchanges of a model were withheld."""
    return connection.execute(
        select(func.min(WithheldExchanges.day)).where(WithheldExchanges.model == model)
    ).scalar_one()
