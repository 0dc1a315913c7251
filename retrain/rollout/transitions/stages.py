"""Pause, advance and completion of a rollout, in the caller's transaction."""

from datetime import datetime

from sqlalchemy import Connection

from monitor.errors import WorkflowError
from retrain.registry.stages import move_stage
from retrain.rollout.plan import RolloutPlan, plan_of
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.steps import take_step
from retrain.rollout.transitions.open_rollout import (
    lock_rollout,
    require_confirmed,
    require_reason,
    want_present_weights,
)
from retrain.rollout.transitions.recorded_weights import require_unchanged_rollout
from retrain.rollout.weights import want_weights


def pause(
    connection: Connection, rollout_id: int, now: datetime, *, by: str, reason: str
) -> RolloutRow:
    """Stop the advance of a rollout; its looks go on, and a failed check still reverts it.

    Raises:
        WorkflowError: It is not in a stage, or there is no reason.
    """
    rollout = lock_rollout(connection, rollout_id)
    return take_step(connection, rollout, "paused", by=by, now=now, reason=require_reason(reason))


def resume(
    connection: Connection, rollout_id: int, now: datetime, *, by: str, reason: str = ""
) -> RolloutRow:
    """Let a paused rollout go on.

    Raises:
        WorkflowError: It is not paused, or the files of a version are not those of its record.
    """
    rollout = lock_rollout(connection, rollout_id)
    reason = reason or "resumed; the next look decides"
    after = take_step(connection, rollout, "resumed", by=by, now=now, reason=reason)
    require_unchanged_rollout(connection, rollout, now)
    return after


def advance(
    connection: Connection,
    rollout_id: int,
    now: datetime,
    *,
    by: str,
    reason: str,
    to_percent: int | None = None,
) -> RolloutRow:
    """Move a rollout to its next stage, or to a later one that is named; the last one completes it.

    A later stage is named in percent, as in ``rollout.stages``.

    Raises:
        WorkflowError: The gateway has not confirmed the present weight, the named stage is not a
            later one, the rollout's status does not allow it, or the files of a version are not
            those of its record.
    """
    rollout = lock_rollout(connection, rollout_id)
    if rollout.kind != "rollout":
        raise WorkflowError(
            f"{rollout.model}: an {rollout.kind} has no stages; end it on its page, or by "
            "driftwarden experiment stop",
            code="no_stages",
        )
    plan = plan_of(rollout)
    reason = require_reason(reason)
    require_confirmed(connection, rollout)
    if rollout.status == "holdback" or rollout.stage == plan.last_stage:
        return complete(connection, rollout, now, by=by, reason=reason)
    stage = rollout.stage + 1 if to_percent is None else _named_stage(plan, rollout, to_percent)
    if stage == plan.last_stage and not plan.holdback:
        return complete(connection, rollout, now, by=by, reason=reason)
    require_unchanged_rollout(connection, rollout, now)
    after = take_step(
        connection,
        rollout,
        "took_over" if stage == plan.last_stage else "advanced",
        by=by,
        now=now,
        reason=reason,
        details={"from_stage": rollout.stage, "to_stage": stage},
        stage=stage,
        weight_percent=plan.weight(stage),
        stage_started_at=now,
    )
    want_present_weights(connection, after, by, reason, now)
    return after


def complete(
    connection: Connection, rollout: RolloutRow, now: datetime, *, by: str, reason: str
) -> RolloutRow:
    """End a rollout with its version in production and all traffic.

    The transaction has the lock of the model, under which the rollout was read.

    Raises:
        WorkflowError: The rollout has ended, its version is not the canary any more, or the files
            of a version are not those of its record.
    """
    require_unchanged_rollout(connection, rollout, now)
    after = take_step(
        connection, rollout, "completed", by=by, now=now, reason=reason, weight_percent=100
    )
    move_stage(connection, rollout.version_id, "production", changed_by=by, reason=reason, now=now)
    want_weights(
        connection,
        rollout.model,
        stable_id=rollout.version_id,
        rollout_id=rollout.id,
        by=by,
        reason=reason,
        now=now,
    )
    return after


def _named_stage(plan: RolloutPlan, rollout: RolloutRow, percent: int) -> int:
    later = plan.stages[rollout.stage + 1 :]
    if percent not in later:
        names = ", ".join(f"{stage}%" for stage in later)
        raise WorkflowError(
            f"{percent}%: no later stage of rollout {rollout.id}; name one of: {names}",
            code="unknown_stage",
        )
    return plan.stages.index(percent)
