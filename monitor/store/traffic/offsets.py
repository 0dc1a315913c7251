"""Offsets of partitions, the source of truth of ingest, moved by compare-and-swap."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from monitor.errors import LostOwnershipError
from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import OffsetGap, SourceOffset


@dataclass(frozen=True)
class OffsetMove:
    """Move of the stored offset of a partition."""

    source: str
    partition: int
    #: The next offset that the database must hold before.
    expected: int
    #: The next offset after.
    new: int


@dataclass(frozen=True)
class Gap:
    """Offsets that no longer existed when they were read: ``[first_offset, last_offset]``."""

    source: str
    partition: int
    first_offset: int
    last_offset: int
    detected_at: datetime


def next_offset(connection: Connection, source: str, partition: int) -> int | None:
    """Return the next offset to read; ``None`` for an unknown partition."""
    return connection.execute(
        select(SourceOffset.next_offset).where(
            SourceOffset.source == source, SourceOffset.partition == partition
        )
    ).scalar_one_or_none()


def next_offsets(connection: Connection, source: str) -> dict[int, int]:
    """Return the next offset of every known partition of a source."""
    rows = connection.execute(
        select(SourceOffset.partition, SourceOffset.next_offset).where(
            SourceOffset.source == source
        )
    )
    return {row[0]: row[1] for row in rows}


def claim(connection: Connection, source: str, partition: int, *, first: int, now: datetime) -> int:
    """Insert the row of a new partition; return the next offset to read.

    Of two concurrent calls one inserts ``first``, and both return what it inserted.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(SourceOffset)
        .values(source=source, partition=partition, next_offset=first, updated_at=now)
        .on_conflict_do_nothing()
    )
    claimed = next_offset(connection, source, partition)
    if claimed is None:  # only where isolation is above READ COMMITTED
        raise LostOwnershipError(f"partition claimed by another process: {source}/{partition}")
    return claimed


def advance(
    connection: Connection, source: str, partition: int, *, expected: int, new: int, now: datetime
) -> None:
    """Move the next offset from ``expected`` to ``new``.

    Call it in the transaction that stores the rows, which an exception rolls back.

    Raises:
        LostOwnershipError: The stored offset isn't ``expected``: another process owns the
            partition.
    """
    moved = connection.execute(
        update(SourceOffset)
        .where(
            SourceOffset.source == source,
            SourceOffset.partition == partition,
            SourceOffset.next_offset == expected,
        )
        .values(next_offset=new, updated_at=now)
    )
    if moved.rowcount != 1:
        raise LostOwnershipError(
            f"{source}/{partition}: the stored offset is no longer {expected}; another process "
            "has moved it"
        )


def record_caught_up(connection: Connection, source: str, until: Mapping[int, datetime]) -> None:
    """Record the time until which the traffic of partitions is stored."""
    # In a fixed order, so that concurrent calls can't deadlock.
    for partition, moment in sorted(until.items()):
        connection.execute(
            update(SourceOffset)
            .where(SourceOffset.source == source, SourceOffset.partition == partition)
            .values(caught_up_at=moment)
        )


def complete_until(connection: Connection, source: str) -> datetime | None:
    """Return the time until which the traffic of all partitions of a source is stored.

    ``None``: nobody reads the source. While a partition was never read to its end it is the
    beginning of time.
    """
    times = connection.execute(
        select(SourceOffset.caught_up_at).where(SourceOffset.source == source)
    ).scalars()
    return min((at or datetime.min.replace(tzinfo=UTC) for at in times), default=None)


def sources_complete_until(connection: Connection) -> dict[str, datetime]:
    """Return that time for each source whose partitions were all read to their end."""
    rows = connection.execute(
        select(SourceOffset.source, func.min(SourceOffset.caught_up_at))
        .group_by(SourceOffset.source)
        .having(func.count() == func.count(SourceOffset.caught_up_at))
    )
    return {row[0]: row[1] for row in rows if row[1] is not None}


def last_moved_at(connection: Connection, source: str) -> datetime | None:
    """Return when an offset of a source last moved; ``None`` for a source that nobody reads."""
    return connection.execute(
        select(func.max(SourceOffset.updated_at)).where(SourceOffset.source == source)
    ).scalar_one()


def record_gap(
    connection: Connection,
    source: str,
    partition: int,
    *,
    first_offset: int,
    last_offset: int,
    detected_at: datetime,
) -> None:
    """Record that ``[first_offset, last_offset]`` no longer existed when it was read."""
    connection.execute(
        insert(OffsetGap).values(
            source=source,
            partition=partition,
            first_offset=first_offset,
            last_offset=last_offset,
            detected_at=detected_at,
        )
    )


def last_gaps(connection: Connection) -> dict[str, datetime]:
    """Return the time at which the newest gap of each source was detected."""
    newest = select(OffsetGap.source, func.max(OffsetGap.detected_at)).group_by(OffsetGap.source)
    return {row[0]: row[1] for row in connection.execute(newest)}


def gaps_detected(connection: Connection, source: str, start: datetime, end: datetime) -> list[Gap]:
    """Return the gaps of a source that were detected in ``[start, end)``."""
    statement = _GAPS.where(
        OffsetGap.source == source, OffsetGap.detected_at >= start, OffsetGap.detected_at < end
    )
    return read_rows(connection, Gap, statement)


_GAPS = select(
    *columns_of(Gap, OffsetGap),
).order_by(OffsetGap.partition, OffsetGap.first_offset)
