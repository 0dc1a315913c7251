"""Queries of rollouts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from monitor.errors import NotFoundError
from monitor.store.rows import columns_of, read_row, read_rows
from monitor.store.tables import ModelVersion, Rollout

#: Statuses of unfinished rollouts.
OPEN = ("running", "holding")


@dataclass(frozen=True)
class RolloutRow:
    """The rollout of a candidate through stages of traffic."""

    id: int
    version_id: int
    #: ``running``, ``holding``, ``completed`` or ``reverted``.
    status: str
    weight_percent: int
    stage_started_at: datetime
    reason: str
    started_at: datetime
    finished_at: datetime | None


_COLUMNS = columns_of(RolloutRow, Rollout)


def insert_rollout(
    connection: Connection, version_id: int, weight_percent: int, now: datetime, reason: str
) -> int:
    """Insert a rollout at its first stage and return its id."""
    model = select(ModelVersion.model).where(ModelVersion.id == version_id).scalar_subquery()
    statement = insert(Rollout).values(
        model=model,
        version_id=version_id,
        status="running",
        weight_percent=weight_percent,
        stage_started_at=now,
        reason=reason,
        started_at=now,
    )
    return int(connection.execute(statement.returning(Rollout.id)).scalar_one())


def rollout_by_id(connection: Connection, rollout_id: int, *, lock: bool = False) -> RolloutRow:
    """Return a rollout; ``lock`` locks its row until the transaction ends.

    Raises:
        NotFoundError: There is none of that id.
    """
    statement = select(*_COLUMNS).where(Rollout.id == rollout_id)
    if lock:
        statement = statement.with_for_update()  # SQLite's transactions are exclusive anyway
    row = read_row(connection, RolloutRow, statement)
    if row is None:
        raise NotFoundError(f"unknown rollout: {rollout_id}")
    return row


def rollout_of_version(connection: Connection, version_id: int) -> RolloutRow | None:
    """Return a version's rollout."""
    statement = select(*_COLUMNS).where(Rollout.version_id == version_id)
    return read_row(connection, RolloutRow, statement)


def open_rollouts(connection: Connection) -> list[RolloutRow]:
    """Return the unfinished rollouts, the oldest first."""
    statement = select(*_COLUMNS).where(Rollout.status.in_(OPEN)).order_by(Rollout.id)
    return read_rows(connection, RolloutRow, statement)


def update_rollout(
    connection: Connection,
    rollout_id: int,
    *,
    status: str,
    reason: str,
    weight_percent: int | None = None,
    stage_started_at: datetime | None = None,
    finished_at: datetime | None = None,
) -> None:
    """Update a rollout; columns that aren't given stay, and an open one has no end."""
    values: dict[str, object] = {"status": status, "reason": reason}
    if weight_percent is not None:
        values["weight_percent"] = weight_percent
    if stage_started_at is not None:
        values["stage_started_at"] = stage_started_at
    if finished_at is not None or status in OPEN:
        values["finished_at"] = finished_at
    connection.execute(update(Rollout).where(Rollout.id == rollout_id).values(**values))
