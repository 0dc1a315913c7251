"""Rollouts and experiments: insertion, changes and lists."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from monitor.errors import NotFoundError
from monitor.store.model_sets import Models, of_models
from monitor.store.rows import columns_of, insert_row, read_row, read_rows, update_row
from monitor.store.tables import ModelVersion, Rollout


@dataclass(frozen=True)
class RolloutRow:
    """A rollout, or an experiment. See the table of the same name."""

    id: int
    #: ``rollout`` or ``experiment``.
    kind: str
    model: str
    version_id: int
    #: Number of the canary.
    version: int
    stable_version_id: int
    status: str
    stage: int
    weight_percent: int
    stage_started_at: datetime
    reason: str
    settings: dict[str, Any]
    seed: int
    started_by: str
    started_at: datetime
    finished_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.finished_at is None


_COLUMNS = columns_of(RolloutRow, Rollout, version=ModelVersion.version)


def insert_rollout(connection: Connection, **values: Any) -> int:
    """Insert a rollout and return its id; a second open one of a model is refused."""
    return insert_row(connection, Rollout, **values)


def update_rollout(connection: Connection, rollout_id: int, **values: Any) -> None:
    """Change columns of a rollout."""
    update_row(connection, Rollout, rollout_id, **values)


def rollout_by_id(connection: Connection, rollout_id: int, *, lock: bool = False) -> RolloutRow:
    """Return a rollout, or ``NotFoundError``; ``lock`` locks its row in the transaction."""
    statement = _rollouts().where(Rollout.id == rollout_id)
    if lock:
        statement = statement.with_for_update(of=Rollout)  # SQLite's transactions are exclusive
    row = read_row(connection, RolloutRow, statement)
    if row is None:
        raise NotFoundError(f"unknown rollout: {rollout_id}", code="unknown_rollout")
    return row


def open_rollout(connection: Connection, model: str, *, lock: bool = False) -> RolloutRow | None:
    """Return the rollout or experiment of a model that has not ended."""
    statement = _rollouts().where(Rollout.model == model, Rollout.finished_at.is_(None))
    if lock:
        statement = statement.with_for_update(of=Rollout)
    return read_row(connection, RolloutRow, statement)


def open_rollouts(connection: Connection) -> list[RolloutRow]:
    """Return the rollouts and experiments that have not ended, the oldest first."""
    statement = _rollouts().where(Rollout.finished_at.is_(None)).order_by(Rollout.id)
    return read_rows(connection, RolloutRow, statement)


def newest_rollout(connection: Connection, model: str) -> RolloutRow | None:
    """Return the newest rollout of a model, ended or not; no experiment."""
    statement = (
        _rollouts()
        .where(Rollout.model == model, Rollout.kind == "rollout")
        .order_by(Rollout.id.desc())
        .limit(1)
    )
    return read_row(connection, RolloutRow, statement)


def newest_rollout_of_version(connection: Connection, version_id: int) -> RolloutRow | None:
    """Return the newest rollout of a version, ended or not; no experiment."""
    statement = (
        _rollouts()
        .where(Rollout.version_id == version_id, Rollout.kind == "rollout")
        .order_by(Rollout.id.desc())
        .limit(1)
    )
    return read_row(connection, RolloutRow, statement)


def list_rollouts(
    connection: Connection, model: Models = None, limit: int = 100
) -> list[RolloutRow]:
    """Return rollouts and experiments, the newest first."""
    statement = _rollouts().order_by(Rollout.id.desc()).limit(limit)
    return read_rows(connection, RolloutRow, statement.where(*of_models(Rollout.model, model)))


def _rollouts() -> Any:
    return select(*_COLUMNS).join(ModelVersion, ModelVersion.id == Rollout.version_id)
