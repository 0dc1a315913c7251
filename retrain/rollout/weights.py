"""Wanted weights of a model's traffic: a row with a generation before anything is sent."""

from datetime import datetime

from sqlalchemy import Connection

from monitor.store.training.registry import lock_model
from retrain.rollout.gateways.protocol import Weights
from retrain.rollout.rows import weights as store
from retrain.rollout.rows.weights import WeightsRow

#: Distance of the generation of a revert that knows no rows: no row that a leader writes
#: meanwhile reaches it.
GENERATIONS_AHEAD = 1000


def want_weights(
    connection: Connection,
    model: str,
    *,
    stable_id: int,
    by: str,
    reason: str,
    now: datetime,
    canary_id: int | None = None,
    canary_percent: int = 0,
    rollout_id: int | None = None,
    above: int = 0,
) -> WeightsRow:
    """Insert the next weights of a model under its lock, and return them.

    The transaction has the lock afterwards. The canary has ``canary_percent``, 0 to 100, the stable
    version the rest. The generation is higher than ``above``, too: that of the gateway.
    """
    lock_model(connection, model)
    newest = store.newest_weights(connection, model)
    weights_id = store.insert_weights(
        connection,
        model=model,
        generation=max(above, newest.generation if newest else 0) + 1,
        stable_version_id=stable_id,
        canary_version_id=canary_id if canary_percent else None,
        canary_percent=canary_percent,
        rollout_id=rollout_id,
        by=by,
        reason=reason,
        created_at=now,
    )
    return store.weights_by_id(connection, weights_id)


def as_weights(row: WeightsRow) -> Weights:
    """Return a row as a gateway takes it."""
    return Weights(row.model, row.stable, row.canary, row.canary_percent, row.generation)
