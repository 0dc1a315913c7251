"""Counts of sampled records, and of the dead letters among them, by quarter of an hour."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from monitor.store.added_counts import add_to_rows
from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import RecordCount
from monitor.store.traffic.dead_letters import DeadLetterRow

SLOT = timedelta(minutes=15)
#: The reason under which all records are counted, readable or not.
ALL = ""


@dataclass(frozen=True)
class CountedRecords:
    """A number of records of a quarter of an hour."""

    read_from: datetime
    #: Of a dead letter, or :data:`ALL`.
    reason: str
    count: int


def add_record_counts(
    connection: Connection,
    n_records: Mapping[str, int],
    dead_letters: Iterable[DeadLetterRow],
    now: datetime,
) -> None:
    """Add the records that were read, by source, and dead letters, in the transaction of both.

    A part of a record counts as one; so does a damaged batch. What a command reads of a file is
    shown by the command.
    """
    counts = Counter({(source, ALL): n for source, n in n_records.items()})
    counts.update((row.position.source, row.reason) for row in dead_letters)
    read_from = datetime.min.replace(tzinfo=now.tzinfo)
    read_from += (now - read_from) // SLOT * SLOT
    rows = [
        {"source": source, "read_from": read_from, "reason": reason, "count": count}
        for (source, reason), count in sorted(counts.items())
        if count and not source.startswith("file:")
    ]
    add_to_rows(connection, RecordCount, ("source", "read_from", "reason"), rows)


def record_counts(
    connection: Connection, source: str, since: datetime, until: datetime
) -> list[CountedRecords]:
    """Return the counts of a source from a time until another, the oldest first."""
    statement = (
        select(*columns_of(CountedRecords, RecordCount))
        .where(
            RecordCount.source == source,
            RecordCount.read_from >= since,
            RecordCount.read_from < until,
        )
        .order_by(RecordCount.read_from)
    )
    return read_rows(connection, CountedRecords, statement)
