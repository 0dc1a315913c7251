"""Revert of a rollout or experiment, in the caller's transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.store.training import registry as versions
from retrain.registry.stages import move_stage
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.steps import take_step
from retrain.rollout.transitions.open_rollout import lock_rollout, require_reason
from retrain.rollout.weights import want_weights


def revert_rollout(
    connection: Connection,
    rollout_id: int,
    now: datetime,
    *,
    by: str,
    reason: str,
    details: dict[str, Any] | None = None,
    above: int = 0,
) -> RolloutRow:
    """End a rollout or experiment: all traffic goes to the stable version.

    It needs nothing but the rows: no measurement, no gate, no stage of the registry. A canary is a
    candidate again; a version that a user has moved elsewhere stays there.

    The generation of the weights is higher than ``above``, that of the gateway.

    Raises:
        WorkflowError: It has ended, or the stable version is unknown.
    """
    rollout = lock_rollout(connection, rollout_id)
    reason = require_reason(reason)
    after = take_step(
        connection,
        rollout,
        "reverted",
        by=by,
        now=now,
        reason=reason,
        details={"weight_percent": rollout.weight_percent, **(details or {})},
        weight_percent=0,
    )
    if versions.version_by_id(connection, rollout.version_id).stage == "canary":
        move_stage(
            connection, rollout.version_id, "candidate", changed_by=by, reason=reason, now=now
        )
    want_weights(
        connection,
        rollout.model,
        stable_id=rollout.stable_version_id,
        rollout_id=rollout.id,
        by=by,
        reason=reason,
        now=now,
        above=above,
    )
    return after
