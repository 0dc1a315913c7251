"""Rollouts: start, pause, advance, completion and revert, each in the caller's transaction.

Each function writes rows only; :mod:`retrain.rollout.apply` sends the weights afterwards.
"""

import secrets
import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.settings import Settings
from monitor.store.rollouts import rollouts as store
from monitor.store.rollouts.rollouts import RolloutRow
from monitor.store.rollouts.weights import WeightsRow, newest_weights
from monitor.store.training import registry as versions
from monitor.store.training.registry import VersionRow, lock_model
from retrain.evaluation.gate_result import require_gate_passed, require_promotable
from retrain.registry.stages import move_stage, roll_back
from retrain.registry.taints import require_untainted_version
from retrain.rollout.plan import RolloutPlan, make_plan, plan_as_json, plan_of
from retrain.rollout.steps import take_step
from retrain.rollout.weights import want_weights

#: What a user may do with a version, by the stage that it has instead of ``candidate``.
_ADVICE = {
    "canary": "it is in a rollout; see `driftwarden rollout status`",
    "production": "it is in production",
    "archived": "it was in production; `driftwarden models promote` returns to it",
    "rejected": "evaluate its run again with a reason: `driftwarden retrain evaluate`",
}


def start_rollout(
    connection: Connection,
    version_id: int,
    settings: Settings,
    now: datetime,
    *,
    by: str,
    reason: str = "",
    accept_taint: str = "",
) -> RolloutRow:
    """Make a candidate the canary, with the wanted weight of the first stage.

    Args:
        connection: The transaction.
        version_id: The candidate.
        settings: Of its model.
        now: The time.
        by: The user, or driftwarden.
        reason: Why.
        accept_taint: Why a version that learned from an erased end user may serve; empty: it may
            not.

    Raises:
        WorkflowError: The version is no candidate, has not passed the gates against the serving
            version, or learned from an erased end user; no version serves yet; or a rollout or
            experiment of the model is open.
    """
    version = versions.version_by_id(connection, version_id, lock=True)
    name = f"{version.model} version {version.version}"
    require_no_open_rollout(connection, version.model)
    if version.stage != "candidate":
        raise WorkflowError(
            f"{name} is {version.stage} and can't be rolled out: {_ADVICE[version.stage]}",
            code="not_candidate",
        )
    serving = versions.production_version(connection, version.model)
    if serving is None:
        raise WorkflowError(
            f"{version.model}: no version serves yet; promote this version: "
            f"driftwarden models promote {version.version} --model "
            f"{shlex.quote(version.model)}",
            code="no_stable_version",
        )
    require_gate_passed(connection, version)
    require_untainted_version(connection, version, now, by=by, accept=accept_taint)
    plan = make_plan(settings)
    percent = plan.weight(0)
    reason = reason or f"rollout starts at {percent}%"
    return split_traffic(
        connection,
        version,
        serving,
        kind="rollout",
        percent=percent,
        settings=plan_as_json(plan),
        by=by,
        reason=reason,
        now=now,
    )


def require_no_open_rollout(connection: Connection, model: str) -> None:
    """Require that no rollout or experiment of a model is open, and keep it so.

    Raises:
        WorkflowError: There is one.
    """
    current = store.open_rollout(connection, model, lock=True)
    if current is not None:
        raise WorkflowError(
            f"{model}: the {current.kind} of version {current.version} is "
            f"{current.status}; wait for its end, or end it: {_end_command(current)}",
            code="rollout_running",
        )


def split_traffic(
    connection: Connection,
    version: VersionRow,
    serving: VersionRow,
    *,
    kind: Literal["rollout", "experiment"],
    percent: int,
    settings: dict[str, Any],
    by: str,
    reason: str,
    now: datetime,
) -> RolloutRow:
    """Start a rollout or an experiment: the version is the canary, with a wanted weight.

    Args:
        connection: The transaction.
        version: The candidate.
        serving: The version in production.
        kind: Kind of the row.
        percent: Weight of the candidate.
        settings: The plan, and the design of an experiment.
        by: The user, or driftwarden.
        reason: Why.
        now: The time.
    """
    rollout = take_step(
        connection,
        None,
        "started",
        by=by,
        now=now,
        reason=reason,
        kind=kind,
        model=version.model,
        version_id=version.id,
        stable_version_id=serving.id,
        stage=0,
        weight_percent=percent,
        stage_started_at=now,
        settings=settings,
        seed=secrets.randbits(31),
    )
    move_stage(connection, version.id, "canary", changed_by=by, reason=reason, now=now)
    _want(connection, rollout, by, reason, now)
    return rollout


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
        WorkflowError: It is not paused.
    """
    rollout = lock_rollout(connection, rollout_id)
    reason = reason or "resumed; the next look decides"
    return take_step(connection, rollout, "resumed", by=by, now=now, reason=reason)


def advance(
    connection: Connection,
    rollout_id: int,
    settings: Settings,
    now: datetime,
    *,
    by: str,
    reason: str,
    to_percent: int | None = None,
) -> RolloutRow:
    """Move a rollout to its next stage, or to a later one that is named; the last one completes it.

    Args:
        connection: The transaction.
        rollout_id: The rollout.
        settings: Of its model.
        now: The time.
        by: The user, or driftwarden.
        reason: Why.
        to_percent: A later stage, as ``rollout.stages`` names it.

    Raises:
        WorkflowError: The gateway has not confirmed the present weight, the named stage is not a
            later one, or the rollout's status does not allow it.
    """
    rollout = lock_rollout(connection, rollout_id)
    if rollout.kind != "rollout":
        raise WorkflowError(
            f"{rollout.model}: an {rollout.kind} has no stages; stop it: driftwarden experiment "
            "stop",
            code="no_stages",
        )
    plan = plan_of(rollout, settings)
    reason = require_reason(reason)
    require_confirmed(connection, rollout)
    if rollout.status == "holdback" or rollout.stage == plan.last_stage:
        return complete(connection, rollout, now, by=by, reason=reason)
    stage = rollout.stage + 1 if to_percent is None else _named_stage(plan, rollout, to_percent)
    if stage == plan.last_stage and not plan.holdback:
        return complete(connection, rollout, now, by=by, reason=reason)
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
    _want(connection, after, by, reason, now)
    return after


def complete(
    connection: Connection, rollout: RolloutRow, now: datetime, *, by: str, reason: str
) -> RolloutRow:
    """End a rollout with its version in production and all traffic.

    Args:
        connection: The transaction, with the lock of the model.
        rollout: As it was read under the lock.
        now: The time.
        by: The user, or driftwarden.
        reason: Why.

    Raises:
        WorkflowError: The rollout has ended, or its version is not the canary any more.
    """
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


def revert(
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

    Args:
        connection: The transaction.
        rollout_id: The rollout.
        now: The time.
        by: The user, or driftwarden.
        reason: Why.
        details: Figures.
        above: The generation of the weights is higher than this: that of the gateway.

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
        stable_id=stable_of(connection, rollout),
        rollout_id=rollout.id,
        by=by,
        reason=reason,
        now=now,
        above=above,
    )
    return after


def promote_version(
    connection: Connection,
    version: VersionRow,
    now: datetime,
    *,
    by: str,
    reason: str,
    without_gate: bool = False,
    accept_taint: str = "",
) -> None:
    """Move a version to production with all traffic; the rollout of this version is completed.

    Args:
        connection: The transaction.
        version: The version.
        now: The time.
        by: The user.
        reason: Why.
        without_gate: Whether it is promoted without a gate result that permits it.
        accept_taint: Why a version that learned from an erased end user may serve; empty: it may
            not.

    Raises:
        WorkflowError: It has no gate result that permits it, it learned from an erased end user, or
            another version's rollout is open.
    """
    lock_model(connection, version.model)
    version = versions.version_by_id(connection, version.id)
    current = store.open_rollout(connection, version.model, lock=True)
    if current is not None and current.version_id != version.id:
        raise WorkflowError(
            f"{version.model}: the {current.kind} of version {current.version} is "
            f"{current.status}; revert it first: {_end_command(current)}",
            code="rollout_running",
        )
    if without_gate:
        reason = f"without a gate result: {reason}"
    else:
        require_promotable(connection, version)
    if version.stage != "production":
        require_untainted_version(connection, version, now, by=by, accept=accept_taint)
    if current is not None:
        complete(connection, current, now, by=by, reason=reason)
        return
    move_stage(connection, version.id, "production", changed_by=by, reason=reason, now=now)
    want_weights(connection, version.model, stable_id=version.id, by=by, reason=reason, now=now)


@dataclass(frozen=True)
class RollBack:
    """What a step back changed.

    Attributes:
        version: The version that has all traffic by the rows.
        reverted: The rollout that was open, and is reverted; ``None``: none was, and the version
            is the one that served before.
    """

    version: VersionRow
    reverted: RolloutRow | None = None


def roll_back_version(
    connection: Connection, model: str, now: datetime, *, by: str, reason: str, above: int = 0
) -> RollBack:
    """Revert the open rollout, or else return to the version that served before.

    Raises:
        WorkflowError: There is no earlier version.
    """
    lock_model(connection, model)
    current = store.open_rollout(connection, model, lock=True)
    if current is not None:
        stable_id = stable_of(connection, current)
        after = revert(connection, current.id, now, by=by, reason=reason, above=above)
        return RollBack(versions.version_by_id(connection, stable_id), after)
    restored = roll_back(connection, model, changed_by=by, reason=reason, now=now)
    want_weights(
        connection, model, stable_id=restored.id, by=by, reason=reason, now=now, above=above
    )
    return RollBack(restored)


def lock_rollout(connection: Connection, rollout_id: int) -> RolloutRow:
    """Lock a rollout's model and the rollout, and return it.

    Raises:
        NotFoundError: There is none of that id.
    """
    lock_model(connection, store.rollout_by_id(connection, rollout_id).model)
    return store.rollout_by_id(connection, rollout_id, lock=True)


def require_open_rollout(connection: Connection, model: str) -> RolloutRow:
    """Return the open rollout of a model.

    Raises:
        NotFoundError: There is none.
    """
    rollout = store.open_rollout(connection, model)
    if rollout is None:
        raise NotFoundError(
            f"{model}: no rollout is open; see `driftwarden rollout history`", code="no_rollout"
        )
    return rollout


def stable_of(connection: Connection, rollout: RolloutRow) -> int:
    """Return the id of the version that a rollout is compared with, and reverts to.

    Raises:
        WorkflowError: It is unknown: an older release began the rollout, and nothing serves.
    """
    if rollout.stable_version_id is not None:
        return rollout.stable_version_id
    serving = versions.production_version(connection, rollout.model)
    if serving is None or serving.id == rollout.version_id:
        raise WorkflowError(
            f"{rollout.model}: the stable version of rollout {rollout.id} is unknown; promote the "
            "version that is to serve: driftwarden models promote",
            code="no_stable_version",
        )
    return serving.id


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
            "see `driftwarden rollout status`",
            code="not_confirmed",
        )


def require_reason(reason: str) -> str:
    """Return a reason.

    Raises:
        WorkflowError: It is empty.
    """
    reason = reason.strip()
    if not reason:
        raise WorkflowError("no reason: write one, for the history", code="no_reason")
    return reason


def _named_stage(plan: RolloutPlan, rollout: RolloutRow, percent: int) -> int:
    later = plan.stages[rollout.stage + 1 :]
    if percent not in later:
        names = ", ".join(f"{stage}%" for stage in later)
        raise WorkflowError(
            f"{percent}%: no later stage of rollout {rollout.id}; name one of: {names}",
            code="unknown_stage",
        )
    return plan.stages.index(percent)


def _want(connection: Connection, rollout: RolloutRow, by: str, reason: str, now: datetime) -> None:
    """Insert the wanted weights of an open rollout."""
    want_weights(
        connection,
        rollout.model,
        stable_id=stable_of(connection, rollout),
        canary_id=rollout.version_id,
        canary_percent=rollout.weight_percent,
        rollout_id=rollout.id,
        by=by,
        reason=reason,
        now=now,
    )


def _end_command(rollout: RolloutRow) -> str:
    """Return the command that ends a rollout or experiment."""
    command = "experiment stop" if rollout.kind == "experiment" else "rollout revert"
    return f"driftwarden {command} --model {shlex.quote(rollout.model)} --reason WHY"
