"""Pauses of models: the time between their removal from the configuration and their return."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from monitor.store.rows import insert_row
from monitor.store.tables import WatchPause


@dataclass(frozen=True)
class Pause:
    """The time in which a model was not watched."""

    ended_at: datetime
    #: ``None``: it is not watched now.
    resumed_at: datetime | None

    def covers(self, window_end: datetime) -> bool:
        """Return whether a window ended in the pause, so that it is never evaluated."""
        return self.ended_at < window_end and (
            self.resumed_at is None or window_end <= self.resumed_at
        )


def pauses_of(connection: Connection, model: str) -> list[Pause]:
    """Return the pauses of a model."""
    statement = select(WatchPause.ended_at, WatchPause.resumed_at).where(WatchPause.model == model)
    return [Pause(*row) for row in connection.execute(statement)]


def paused_models(connection: Connection) -> dict[str, datetime]:
    """Return the models that are in a pause now, with its begin."""
    statement = select(WatchPause.model, WatchPause.ended_at).where(WatchPause.resumed_at.is_(None))
    return {row.model: row.ended_at for row in connection.execute(statement)}


def pauses_begun_with(connection: Connection, pause_id: int) -> dict[str, datetime]:
    """Return the models that are in a pause since one began, with its begin."""
    since = select(WatchPause.ended_at).where(WatchPause.id == pause_id).scalar_subquery()
    statement = select(WatchPause.model, WatchPause.ended_at).where(
        WatchPause.resumed_at.is_(None), WatchPause.ended_at == since
    )
    rows = connection.execute(statement.order_by(WatchPause.id))
    return {row.model: row.ended_at for row in rows}


def begin_pause(connection: Connection, model: str, now: datetime) -> int:
    """Insert a pause and return its id."""
    return insert_row(connection, WatchPause, model=model, ended_at=now)


def end_pauses(connection: Connection, models: Collection[str], now: datetime) -> None:
    """End the pauses of models that are watched again."""
    connection.execute(
        update(WatchPause)
        .where(WatchPause.model.in_(models), WatchPause.resumed_at.is_(None))
        .values(resumed_at=now)
    )
