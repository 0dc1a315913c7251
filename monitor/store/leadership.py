"""The lease of the leader, and the fence of its transactions.

One replica leads: the holder of the one row of ``leadership``, until it expires on the database's
clock. Each change of the holder raises the epoch. A leader writes through an engine with a
:func:`fence`: its transactions commit only while their epoch is that of the row, whatever the
process believes, has missed while it was frozen, or has sent through a network that was cut.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, event, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from monitor.errors import LostLeadershipError
from monitor.store.engine import is_read_only, limit_idle_time
from monitor.store.rows import columns_of
from monitor.store.tables import Leadership

#: A statement of the leader comes at most this long after the one before it in its transaction:
#: PostgreSQL ends the transaction of a frozen leader, whose locks would block the next.
MAX_IDLE_SECONDS = 60.0
#: A lease that ends later than so many leases from now was taken by a clock that was wrong.
MAX_LEASES = 10
#: The same where its transaction has locked the row of the lease.
MAX_COMMIT_SECONDS = 5.0

#: The epoch under which this thread acts as the leader.
_EPOCH: ContextVar[int | None] = ContextVar("epoch", default=None)


@dataclass(frozen=True)
class Lease:
    """The lease, as the database has it."""

    epoch: int
    holder: str
    acquired_at: datetime
    expires_at: datetime
    #: When each job that tells of problems had succeeded last; ``None``: not in this term.
    worked_at: datetime | None
    #: Whether it has not expired.
    held: bool


def database_time(connection: Connection) -> datetime:
    """Return the time on the database's clock; SQLite has that of its machine."""
    if connection.dialect.name != "postgresql":
        return datetime.now(UTC)
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


def take_lease(connection: Connection, holder: str, duration: timedelta) -> int | None:
    """Take the lease where it has expired, or is the holder's own and the reply was lost.

    Return the new epoch; ``None`` where another holder has the lease.
    """
    limit_idle_time(connection, MAX_COMMIT_SECONDS)
    now = database_time(connection)
    if connection.execute(select(Leadership.id)).one_or_none() is None:
        first = {"epoch": 0, "holder": "", "acquired_at": now, "expires_at": now}
        with suppress(IntegrityError), connection.begin_nested():  # another process was faster
            connection.execute(insert(Leadership).values(id=1, **first))
    return connection.execute(
        update(Leadership)
        .where(
            (Leadership.expires_at <= now)
            # Nobody leases for so long: the clock was wrong.
            | (Leadership.expires_at > now + MAX_LEASES * duration)
            | (Leadership.holder == holder)
        )
        .values(
            epoch=Leadership.epoch + 1,
            holder=holder,
            acquired_at=now,
            expires_at=now + duration,
            worked_at=None,
        )
        .returning(Leadership.epoch)
    ).scalar_one_or_none()


def renew_lease(
    connection: Connection, epoch: int, duration: timedelta, *, idle: timedelta | None = None
) -> bool:
    """Renew the lease of an epoch, for ``timedelta()`` to give it back; return whether it holds.

    ``idle`` is the time since each job that tells of problems had succeeded; ``None``: unknown.
    """
    limit_idle_time(connection, MAX_COMMIT_SECONDS)
    now = database_time(connection)
    values = {"expires_at": now + duration}
    if idle is not None:
        values["worked_at"] = now - idle
    renewed = update(Leadership).where(Leadership.epoch == epoch).values(values)
    return connection.execute(renewed).rowcount == 1


def current_lease(connection: Connection) -> Lease | None:
    """Return the last lease, which may have expired; ``None`` where nobody has led yet."""
    now = database_time(connection)
    columns = columns_of(Lease, Leadership, held=Leadership.expires_at > now)
    row = connection.execute(select(*columns)).one_or_none()
    return None if row is None else Lease(*row)


@contextmanager
def acting_under(epoch: int | None) -> Iterator[None]:
    """Act as the leader of an epoch in this thread; ``None``: as no leader."""
    token = _EPOCH.set(epoch)
    try:
        yield
    finally:
        _EPOCH.reset(token)


def acting_epoch() -> int | None:
    """Return the epoch under which this thread acts as the leader; ``None``: it does not."""
    return _EPOCH.get()


def fence(engine: Engine) -> Engine:
    """Return an engine on the same database whose transactions commit only for the leader.

    A transaction commits while the epoch of :func:`acting_under` is that of the lease; else it is
    rolled back by a :class:`LostLeadershipError`. The check locks the row, so that on PostgreSQL
    the holder changes before it, or after the commit. SQLite has one writer at a time.
    """
    fenced = engine.execution_options()
    event.listen(fenced, "begin", _limit_idle_time)
    event.listen(fenced, "commit", _check_epoch)
    return fenced


def _limit_idle_time(connection: Connection) -> None:
    if not is_read_only(connection):
        limit_idle_time(connection, MAX_IDLE_SECONDS)


def _check_epoch(connection: Connection) -> None:
    if is_read_only(connection):
        return
    limit_idle_time(connection, MAX_COMMIT_SECONDS)
    epoch = acting_epoch()
    leads = connection.execute(
        select(literal(1))
        .select_from(Leadership)
        .where(Leadership.epoch == epoch)
        .with_for_update(read=True, key_share=True)
    ).one_or_none()
    if leads is None:
        raise LostLeadershipError(f"epoch {epoch} has ended: another replica leads")
