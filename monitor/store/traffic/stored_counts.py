"""Daily counts of the exchanges of a model that were ever stored."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from monitor.store.added_counts import add_to_rows
from monitor.store.tables import StoredExchanges
from monitor.store.traffic.daily_counts import start_of_day


def add_stored(connection: Connection, exchanges: Iterable[tuple[str, datetime]]) -> None:
    """Count exchanges, each by its model and time, in the transaction that inserts them."""
    days = ((model, start_of_day(occurred_at)) for model, occurred_at in exchanges)
    add_stored_counts(connection, Counter(days))


def add_stored_counts(connection: Connection, counts: Mapping[tuple[str, datetime], int]) -> None:
    """Add to the counts of models and days."""
    rows = [
        {"model": model, "day": day, "count": count}
        for (model, day), count in sorted(counts.items())
    ]
    add_to_rows(connection, StoredExchanges, ("model", "day"), rows)


def stored_by_day(
    connection: Connection, model: str, start: datetime, end: datetime
) -> dict[datetime, int]:
    """Return how many exchanges of each day of ``[start, end)`` were ever stored."""
    rows = connection.execute(
        select(StoredExchanges.day, StoredExchanges.count).where(
            StoredExchanges.model == model,
            StoredExchanges.day >= start,
            StoredExchanges.day < end,
        )
    )
    return {row[0]: row[1] for row in rows}


def count_stored(connection: Connection, model: str, start: datetime, end: datetime) -> int | None:
    """Return how many exchanges of ``[start, end)`` were ever stored.

    ``None``: it is not made of whole days in UTC, by which they are counted.
    """
    if start != start_of_day(start) or end != start_of_day(end):
        return None
    return sum(stored_by_day(connection, model, start, end).values())
