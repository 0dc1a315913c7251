"""Rollouts: each decision is a row first, then weights at the gateway."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor.errors import WorkflowError
from monitor.settings import Rollout as RolloutSettings
from monitor.store.engine import transaction
from monitor.store.training import registry as versions
from monitor.store.training import rollouts as store
from monitor.store.training.registry import VersionRow
from monitor.store.training.rollouts import RolloutRow
from retrain.evaluation.consequences import require_gate_passed
from retrain.registry.stages import move_stage
from retrain.rollout.gateway import Gateway, Weights
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
    """Make a candidate the canary and give it the first step's share.

    The weights reach the gateway with the next :func:`tick_rollouts`. A version that has a rollout
    keeps it.

    Raises:
        WorkflowError: The version passed no gates, no version serves yet, or another one is being
            rolled out.
    """
    existing = store.rollout_of_version(connection, version_id)
    if existing is not None:
        return existing.id
    version = versions.version_by_id(connection, version_id, lock=True)
    if versions.production_version(connection, version.model) is None:
        raise WorkflowError(
            f"{version.model}: no version serves yet; promote this one: "
            f"driftwarden models promote {version.model} {version.version}"
        )
    for other in store.open_rollouts(connection):
        if versions.version_by_id(connection, other.version_id).model == version.model:
            raise WorkflowError(f"{version.model}: another version is being rolled out")
    require_gate_passed(connection, version)
    percent = first_stage_percent(settings)
    reason = f"rollout begins at {percent}%"
    move_stage(connection, version_id, "canary", changed_by=by, reason=reason, now=now)
    return store.insert_rollout(connection, version_id, percent, now, reason)


def tick_rollouts(
    engine: Engine,
    settings: RolloutSettings,
    gateway: Gateway,
    health_of: Callable[[RolloutRow, VersionRow], Health],
    now: datetime,
) -> list[RolloutTick]:
    """Look at every rollout under way, decide, and bring the gateway in line with the rows.

    Running it again changes nothing that is already so. A process that dies between the row and the
    gateway leaves the gateway behind; the next tick sets the weights again.

    Args:
        engine: The database.
        settings: The section ``[rollout]``.
        gateway: What carries the weights out.
        health_of: What is known of a canary at its present step.
        now: The time.
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
        # Measuring may take a while: not inside a transaction.
        health = health_of(rollout, canary)
        with transaction(engine) as connection:
            current = store.rollout_by_id(connection, rollout_id, lock=True)
            if current != rollout:
                continue  # another process was faster
            step = next_step(
                rollout.weight_percent, rollout.stage_started_at, health, now, settings
            )
            _record(connection, rollout, step, now)
        ticks.append(RolloutTick(rollout_id, rollout.version_id, step))
    with transaction(engine) as connection:
        targets = _weights(connection)
    gateway.set_weights(targets)
    return ticks


def _end_by_hand(
    connection: Connection, rollout: RolloutRow, version: VersionRow, now: datetime
) -> None:
    """End the rollout of a version that was promoted or rolled back by hand meanwhile."""
    serves = version.stage == "production"
    store.update_rollout(
        connection,
        rollout.id,
        status="completed" if serves else "reverted",
        reason=f"a person made the version {version.stage}",
        weight_percent=100 if serves else 0,
        stage_started_at=now,
        finished_at=now,
    )


def _record(
    connection: Connection, rollout: RolloutRow, step: RolloutDecision, now: datetime
) -> None:
    if step.action == "revert":
        store.update_rollout(
            connection,
            rollout.id,
            status="reverted",
            reason=step.reason,
            weight_percent=0,
            stage_started_at=now,
            finished_at=now,
        )
        stage = "rejected"
    elif step.completes:
        store.update_rollout(
            connection,
            rollout.id,
            status="completed",
            reason=step.reason,
            weight_percent=100,
            stage_started_at=now,
            finished_at=now,
        )
        stage = "production"
    elif step.action == "advance":
        store.update_rollout(
            connection,
            rollout.id,
            status="running",
            reason=step.reason,
            weight_percent=step.percent,
            stage_started_at=now,
        )
        return
    else:
        status = "held" if step.action == "hold" else "running"
        if (rollout.status, rollout.reason) != (status, step.reason):
            store.update_rollout(connection, rollout.id, status=status, reason=step.reason)
        return
    move_stage(connection, rollout.version_id, stage, changed_by=ACTOR, reason=step.reason, now=now)


def _weights(connection: Connection) -> list[Weights]:
    """Return what each model's weights have to be, by the rows alone."""
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
        targets.append(Weights(stable.model, stable.version, number, percent))
    return targets
