"""The open rollout of a model: its lock, its present weights and what a transition requires."""

import shlex
from datetime import datetime

from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.store.training.registry import lock_model
from retrain.rollout.rows import rollouts as store
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.rows.weights import WeightsRow, newest_weights
from retrain.rollout.weights import want_weights


def lock_rollout(connection: Connection, rollout_id: int) -> RolloutRow:
    """Lock a rollout's model and the rollout, and return it, or ``NotFoundError``."""
    lock_model(connection, store.rollout_by_id(connection, rollout_id).model)
    return store.rollout_by_id(connection, rollout_id, lock=True)


def require_open_rollout(connection: Connection, model: str) -> RolloutRow:
    """Return the open rollout of a model, or ``NotFoundError``."""
    rollout = store.open_rollout(connection, model)
    if rollout is None:
        raise NotFoundError(
            f"{model}: no rollout is open; see the page Rollouts, or `driftwarden rollout history`",
            code="no_rollout",
        )
    return rollout


def require_no_open_rollout(connection: Connection, model: str) -> None:
    """Require, and keep, no open rollout or experiment of a model, or ``WorkflowError``."""
    current = store.open_rollout(connection, model, lock=True)
    if current is not None:
        raise WorkflowError(
            f"{model}: the {current.kind} of version {current.version} is "
            f"{current.status}; wait for its end, or end it on its page, or by "
            f"{end_command(current)}",
            code="rollout_running",
        )


def confirmed_weights(connection: Connection, rollout: RolloutRow) -> WeightsRow | None:
    """Return the wanted weights of an open rollout where the gateway has confirmed them."""
    row = newest_weights(connection, rollout.model)
    if row is None or row.rollout_id != rollout.id or row.confirmed_at is None or row.error:
        return None
    return row


def require_confirmed(connection: Connection, rollout: RolloutRow) -> None:
    """Require that the gateway has confirmed a rollout's present weight: none may be skipped.

    Raises:
        WorkflowError: It has not.
    """
    if confirmed_weights(connection, rollout) is None:
        raise WorkflowError(
            f"rollout {rollout.id}: the gateway has not confirmed {rollout.weight_percent}% yet; "
            "see its page, or `driftwarden rollout status`",
            code="not_confirmed",
        )


def require_reason(reason: str) -> str:
    """Return a reason; ``WorkflowError`` where it is empty."""
    reason = reason.strip()
    if not reason:
        raise WorkflowError("no reason: write one, for the history", code="no_reason")
    return reason


def want_present_weights(
    connection: Connection, rollout: RolloutRow, by: str, reason: str, now: datetime
) -> None:
    """Insert the wanted weights of an open rollout."""
    want_weights(
        connection,
        rollout.model,
        stable_id=rollout.stable_version_id,
        canary_id=rollout.version_id,
        canary_percent=rollout.weight_percent,
        rollout_id=rollout.id,
        by=by,
        reason=reason,
        now=now,
    )


def end_command(rollout: RolloutRow) -> str:
    """Return the command that ends a rollout or experiment."""
    command = "experiment stop" if rollout.kind == "experiment" else "rollout revert"
    return f"driftwarden {command} --model {shlex.quote(rollout.model)} --reason WHY"
