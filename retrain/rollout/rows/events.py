"""Events of rollouts: their history."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from monitor.store.rows import columns_of, read_row, read_rows
from monitor.store.tables import Rollout, RolloutEvent


@dataclass(frozen=True)
class RolloutEventRow:
    """An event of a rollout. See the table of the same name."""

    id: int
    rollout_id: int
    event: str
    from_status: str | None
    to_status: str
    weight_percent: int
    #: A user, or ``driftwarden``.
    by: str
    at: datetime
    reason: str
    details: dict[str, Any] | None


_COLUMNS = columns_of(RolloutEventRow, RolloutEvent)


def add_event(connection: Connection, **values: Any) -> None:
    """Insert an event."""
    connection.execute(insert(RolloutEvent).values(values))


def list_events(connection: Connection, rollout_id: int) -> list[RolloutEventRow]:
    """Return the events of a rollout, the oldest first."""
    statement = (
        select(*_COLUMNS).where(RolloutEvent.rollout_id == rollout_id).order_by(RolloutEvent.id)
    )
    return read_rows(connection, RolloutEventRow, statement)


def count_steps(connection: Connection, rollout_id: int) -> int:
    """Return the number of a rollout's steps.

    A button carries it: a later step makes the button outdated. Confirmations of the gateway and
    the request for a decision leave the rollout as it is.
    """
    statement = select(func.count()).where(
        RolloutEvent.rollout_id == rollout_id, RolloutEvent.event.not_in(("confirmed", "asked"))
    )
    return int(connection.execute(statement).scalar_one())


def recent_events(connection: Connection, model: str, since: datetime) -> list[RolloutEventRow]:
    """Return the events of a model's rollouts and experiments since a time, the oldest first."""
    statement = (
        select(*_COLUMNS)
        .join(Rollout, Rollout.id == RolloutEvent.rollout_id)
        .where(Rollout.model == model, RolloutEvent.at >= since)
        .order_by(RolloutEvent.id)
    )
    return read_rows(connection, RolloutEventRow, statement)


def last_event(connection: Connection, rollout_id: int, *events: str) -> RolloutEventRow | None:
    """Return the newest event of a rollout, of some kinds where they are named."""
    statement = select(*_COLUMNS).where(RolloutEvent.rollout_id == rollout_id)
    if events:
        statement = statement.where(RolloutEvent.event.in_(events))
    newest = statement.order_by(RolloutEvent.id.desc()).limit(1)
    return read_row(connection, RolloutEventRow, newest)
