"""Start, progress and end of rollouts: each decision is stored, then sent to the gateway."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor.errors import DriftwardenError, WorkflowError
from monitor.settings import Rollout as RolloutSettings
from monitor.store.engine import transaction
from monitor.store.training import registry as versions
from monitor.store.training import rollouts as store
from monitor.store.training.registry import VersionRow
from monitor.store.training.rollouts import RolloutRow
from retrain.evaluation.gate_result import require_gate_passed
from retrain.registry.stages import move_stage
from retrain.rollout.gateways.protocol import Gateway, Weights
from retrain.rollout.policy import Health, RolloutDecision, first_stage_percent, next_step

ACTOR = "rollout"


@dataclass(frozen=True)
class RolloutTick:
    """The decision on one rollout."""

    rollout_id: int
    version_id: int
    step: RolloutDecision


def start_rollout(
    connection: Connection, version_id: int, settings: RolloutSettings, now: datetime, *, by: str
) -> int:
    """Make a candidate the canary, with the share of the first stage.

    The next :func:`tick_rollouts` sends the weights to the gateway. A version's existing rollout
    is kept; a reverted one starts again.

    Raises:
        WorkflowError: The version passed no gates, no version serves yet, or another rollout of the
            model is in progress.
    """
    existing = store.rollout_of_version(connection, version_id)
    if existing is not None and existing.status != "reverted":
        return existing.id
    version = versions.version_by_id(connection, version_id, lock=True)
    if versions.production_version(connection, version.model) is None:
        raise WorkflowError(
            f"{version.model}: no version serves yet; promote this version: "
            f"driftwarden models promote {version.version} --model "
            f"{shlex.quote(version.model)}",
            code="no_stable_version",
        )
    for other in store.open_rollouts(connection):
        if versions.version_by_id(connection, other.version_id).model == version.model:
            raise WorkflowError(
                f"{version.model}: a rollout of another version is in progress; wait for its "
                "end, or revert it",
                code="rollout_running",
            )
    require_gate_passed(connection, version)
    percent = first_stage_percent(settings)
    reason = f"rollout starts at {percent}%"
    move_stage(connection, version_id, "canary", changed_by=by, reason=reason, now=now)
    if existing is not None:
        store.update_rollout(
            connection,
            existing.id,
            status="running",
            reason=reason,
            weight_percent=percent,
            stage_started_at=now,
            finished_at=None,
        )
        return existing.id
    return store.insert_rollout(connection, version_id, percent, now, reason)


def tick_rollouts(
    engine: Engine,
    settings_of: Callable[[str], RolloutSettings],
    gateway: Gateway,
    health_of: Callable[[RolloutRow, VersionRow], Health],
    now: datetime,
    *,
    advances: Callable[[str], bool] = lambda _model: True,
) -> list[RolloutTick]:
    """Decide on every active rollout, and send the weights of all rows to the gateway.

    Idempotent. If a process dies between the row and the gateway, the next tick sends the weights.

    Args:
        engine: The database.
        settings_of: The section ``[rollout]`` of a model.
        gateway: The traffic gateway.
        health_of: Measures a canary in its current stage.
        now: The current time.
        advances: Whether the rollouts of a model go on; of others the weights stay as they are.
    """
    with transaction(engine) as connection:
        rollout_ids = [rollout.id for rollout in store.open_rollouts(connection)]
    ticks = []
    for rollout_id in rollout_ids:
        with transaction(engine) as connection:
            rollout = store.rollout_by_id(connection, rollout_id)
            canary = versions.version_by_id(connection, rollout.version_id)
            if canary.stage != "canary":
                _end_by_hand(connection, rollout, canary, now)
                continue
        if not advances(canary.model):
            continue
        # Measuring may be slow, so it runs outside a transaction.
        health = health_of(rollout, canary)
        with transaction(engine) as connection:
            current = store.rollout_by_id(connection, rollout_id, lock=True)
            if current != rollout:
                continue  # another process decided first
            step = next_step(
                rollout.weight_percent,
                rollout.stage_started_at,
                health,
                now,
                settings_of(canary.model),
            )
            _record(connection, rollout, step, now)
        ticks.append(RolloutTick(rollout_id, rollout.version_id, step))
    with transaction(engine) as connection:
        targets = _weights(connection)
    failures = []
    for target in targets:
        try:
            gateway.set(target)
        except DriftwardenError as error:  # the other models' weights are set all the same
            failures.append(error)
    if failures:
        raise failures[0]
    return ticks


def _end_by_hand(
    connection: Connection, rollout: RolloutRow, version: VersionRow, now: datetime
) -> None:
    """End the rollout of a version that a user has promoted or rolled back."""
    reason = f"a user made the version {version.stage}"
    _finish(connection, rollout, reason, now, serves=version.stage == "production")


def _record(
    connection: Connection, rollout: RolloutRow, step: RolloutDecision, now: datetime
) -> None:
    if step.action == "revert" or step.completes:
        serves = step.action != "revert"
        _finish(connection, rollout, step.reason, now, serves=serves)
        stage = "production" if serves else "rejected"
        move_stage(
            connection, rollout.version_id, stage, changed_by=ACTOR, reason=step.reason, now=now
        )
    elif step.action == "advance":
        store.update_rollout(
            connection,
            rollout.id,
            status="running",
            reason=step.reason,
            weight_percent=step.percent,
            stage_started_at=now,
        )
    else:
        status = "holding" if step.action == "hold" else "running"
        if (rollout.status, rollout.reason) != (status, step.reason):
            store.update_rollout(connection, rollout.id, status=status, reason=step.reason)


def _finish(
    connection: Connection, rollout: RolloutRow, reason: str, now: datetime, *, serves: bool
) -> None:
    """End a rollout: with all traffic where the version serves from now on, else with none."""
    store.update_rollout(
        connection,
        rollout.id,
        status="completed" if serves else "reverted",
        reason=reason,
        weight_percent=100 if serves else 0,
        stage_started_at=now,
        finished_at=now,
    )


def _weights(connection: Connection) -> list[Weights]:
    """Return each model's weights from the database rows, which have no generation yet."""
    canaries: dict[str, tuple[VersionRow, int]] = {}
    for rollout in store.open_rollouts(connection):
        version = versions.version_by_id(connection, rollout.version_id)
        canaries[version.model] = version, rollout.weight_percent
    targets = []
    for stable in versions.list_versions(connection):
        if stable.stage != "production":
            continue
        canary, percent = canaries.get(stable.model, (None, 0))
        number = canary.version if canary is not None else None
        targets.append(Weights(stable.model, stable.version, number, percent, generation=0))
    return targets
