"""Looks at the hours of a rollout."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from monitor.store.rows import columns_of, read_row, read_rows
from monitor.store.tables import RolloutLook


@dataclass(frozen=True)
class LookRow:
    """The look at one hour of a rollout. See the table ``rollout_looks``."""

    id: int
    rollout_id: int
    hour: datetime
    stage: int
    weight_percent: int
    n_canary: int
    n_stable: int
    seen_share: float | None
    evidence: dict[str, Any]
    checks: list[Any]
    action: str
    reason: str
    reasons: list[Any] | None
    looked_at: datetime


_COLUMNS = columns_of(LookRow, RolloutLook)


def insert_look(connection: Connection, **values: Any) -> None:
    """Insert a look; a second one of an hour is refused."""
    connection.execute(insert(RolloutLook).values(values))


def list_looks(connection: Connection, rollout_id: int) -> list[LookRow]:
    """Return the looks of a rollout, the oldest first."""
    statement = select(*_COLUMNS).where(RolloutLook.rollout_id == rollout_id)
    return read_rows(connection, LookRow, statement.order_by(RolloutLook.hour))


def newest_look(connection: Connection, rollout_id: int) -> LookRow | None:
    """Return the newest look of a rollout."""
    statement = (
        select(*_COLUMNS)
        .where(RolloutLook.rollout_id == rollout_id)
        .order_by(RolloutLook.hour.desc())
        .limit(1)
    )
    return read_row(connection, LookRow, statement)
