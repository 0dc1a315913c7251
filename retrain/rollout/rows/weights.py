"""Wanted weights of the models' traffic, and what the gateway made of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import aliased

from monitor.store.rows import columns_of, insert_row, read_row, read_rows, update_row
from monitor.store.tables import ModelVersion, TrafficWeights


@dataclass(frozen=True)
class WeightsRow:
    """Wanted weights. See the table ``traffic_weights``."""

    id: int
    model: str
    generation: int
    stable_version_id: int
    #: Number of the stable version.
    stable: int
    canary_version_id: int | None
    #: Number of the canary.
    canary: int | None
    canary_percent: int
    rollout_id: int | None
    by: str
    reason: str
    created_at: datetime
    confirmed_at: datetime | None
    attempts: int
    error: str | None
    n_overwritten: int
    overwritten_at: datetime | None


_STABLE, _CANARY = aliased(ModelVersion), aliased(ModelVersion)
_COLUMNS = columns_of(WeightsRow, TrafficWeights, stable=_STABLE.version, canary=_CANARY.version)


def insert_weights(connection: Connection, **values: Any) -> int:
    """Insert wanted weights and return their id; a generation that the model has is refused."""
    return insert_row(connection, TrafficWeights, **values)


def update_weights(connection: Connection, weights_id: int, **values: Any) -> None:
    """Change columns of wanted weights."""
    update_row(connection, TrafficWeights, weights_id, **values)


def weights_by_id(connection: Connection, weights_id: int) -> WeightsRow:
    """Return wanted weights."""
    statement = _weights().where(TrafficWeights.id == weights_id)
    return WeightsRow(*connection.execute(statement).one())


def newest_weights(connection: Connection, model: str) -> WeightsRow | None:
    """Return the weights wanted now for a model; ``None``: none were ever wanted."""
    statement = (
        _weights()
        .where(TrafficWeights.model == model)
        .order_by(TrafficWeights.generation.desc())
        .limit(1)
    )
    return read_row(connection, WeightsRow, statement)


def newest_of_each_model(connection: Connection) -> list[WeightsRow]:
    """Return the weights wanted now for each model, in the models' order."""
    newest = (
        select(TrafficWeights.model, func.max(TrafficWeights.generation).label("generation"))
        .group_by(TrafficWeights.model)
        .subquery()
    )
    statement = (
        _weights()
        .join(
            newest,
            (newest.c.model == TrafficWeights.model)
            & (newest.c.generation == TrafficWeights.generation),
        )
        .order_by(TrafficWeights.model)
    )
    return read_rows(connection, WeightsRow, statement)


def weights_of_rollout(connection: Connection, rollout_id: int) -> list[WeightsRow]:
    """Return the weights wanted by a rollout, the oldest first."""
    statement = _weights().where(TrafficWeights.rollout_id == rollout_id)
    return read_rows(connection, WeightsRow, statement.order_by(TrafficWeights.generation))


def _weights() -> Any:
    return (
        select(*_COLUMNS)
        .join(_STABLE, _STABLE.id == TrafficWeights.stable_version_id)
        .outerjoin(_CANARY, _CANARY.id == TrafficWeights.canary_version_id)
    )
