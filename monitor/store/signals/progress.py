"""Progress of the counting of signals: each row of a table is counted once."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from monitor.store.rows import columns_of, read_row
from monitor.store.tables import Exchange, Feedback, SignalProgress

COUNTED_TABLES = (Exchange.__tablename__, Feedback.__tablename__)


@dataclass(frozen=True)
class Progress:
    """How far the rows of a table are counted. See the table ``signal_progress``."""

    counted_table: str
    counted_id: int
    counted_until: datetime | None
    next_id: int
    next_until: datetime
    next_at: datetime


def read_progress(connection: Connection, table: str) -> Progress | None:
    """Return the progress of a table, and lock it until the transaction ends."""
    statement = select(*columns_of(Progress, SignalProgress)).where(
        SignalProgress.counted_table == table
    )
    return read_row(connection, Progress, statement.with_for_update())


def save_progress(connection: Connection, progress: Progress, *, is_first: bool = False) -> None:
    """Write the progress of a table, in the transaction that adds the counts."""
    if is_first:
        connection.execute(insert(SignalProgress).values(**asdict(progress)))
        return
    connection.execute(
        update(SignalProgress)
        .where(SignalProgress.counted_table == progress.counted_table)
        .values(**asdict(progress))
    )


def counted_until(connection: Connection) -> datetime | None:
    """Return the time until which all traffic and feedback is counted; ``None``: not known."""
    statement = select(SignalProgress.counted_until).where(
        SignalProgress.counted_table.in_(COUNTED_TABLES)
    )
    times = connection.execute(statement).scalars().all()
    return min((at for at in times if at is not None), default=None) if all(times) else None
