"""Comparison of the versions that serve, or may, with the record of their files; reverts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor.errors import WorkflowError
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.probes.runs import drop_reference, recent_runs
from monitor.store.training.candidate_evaluations import latest_succeeded_evaluation
from monitor.store.training.registry import VersionRow, list_versions, version_by_id
from monitor.telemetry import get_logger
from retrain.rollout.rows.rollouts import open_rollout
from retrain.rollout.transitions.recorded_weights import compare_weights
from retrain.rollout.transitions.revert import revert_rollout

log = get_logger(__name__)


def verified_versions(connection: Connection, model: str) -> list[VersionRow]:
    """Return the versions of a model that serve, and the candidates that may be rolled out."""
    return [row for row in list_versions(connection, model) if _may_serve(connection, row)]


def verify_version(engine: Engine, version: VersionRow, now: datetime) -> bool:
    """Compare a version's files with their record; return whether its rollout was reverted.

    What was found is stored, so that the leader opens or resolves the incident. No transaction is
    open while files are read. A version in production stays there.
    """
    compared = compare_weights(version, now)
    change, before = compared.change, version.weights_change
    if change is not None and (before is None or before.kind != change.kind):
        event = "weights_changed" if change.is_mismatch else "weights_not_compared"
        log.warning(event, model=version.model, version=version.version, kind=change.kind)
    with transaction(engine) as connection:
        compared.save(connection)
        if change is None or not change.is_mismatch:
            return False
        return revert_canary(connection, version, f"its files differ: {change.text}", now)


@contextmanager
def verifying_refused(
    engine: Engine, model: str, now: datetime, on_revert: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Verify all versions of a model where a step is refused because the files of one changed.

    The step's transaction has been rolled back by then.
    """
    try:
        yield
    except WorkflowError as error:
        if error.code == "weights_changed":
            with transaction(engine) as connection:
                rows = verified_versions(connection, model)
            reverted = [verify_version(engine, row, now) for row in rows]
            if any(reverted):
                on_revert()
        raise


def revert_changed_responses(engine: Engine, model: str, now: datetime) -> bool:
    """Revert a canary whose endpoint responds otherwise than in its first runs of probes."""
    with transaction(engine) as connection:
        rollout = open_rollout(connection, model)
        runs = recent_runs(connection, model, role="canary", statuses=("done",), limit=1)
        if rollout is None or not runs or runs[0].verdict != "changed":
            return False
        run = runs[0]
        if run.version_id != rollout.version_id or run.started_at < rollout.started_at:
            return False
        version = version_by_id(connection, rollout.version_id)
        reason = (
            f"its endpoint no longer responds as it did: probe run {run.id} differs by "
            f"{100 * (run.change or 0):.0f} points, threshold {100 * (run.threshold or 0):.0f}"
        )
        reverted = revert_canary(connection, version, reason, now)
        if reverted:  # who starts it again accepts what is served then
            drop_reference(connection, model, version.id)
        return reverted


def revert_canary(connection: Connection, version: VersionRow, reason: str, now: datetime) -> bool:
    """Revert the open rollout whose canary is a version; return whether there was one."""
    rollout = open_rollout(connection, version.model)
    if rollout is None or rollout.version_id != version.id:
        return False
    try:
        revert_rollout(connection, rollout.id, now, by=SYSTEM, reason=reason)
    except WorkflowError:  # it has ended meanwhile
        return False
    return True


def _may_serve(connection: Connection, version: VersionRow) -> bool:
    if version.stage != "candidate":
        return version.stage in {"production", "canary"}
    evaluation = latest_succeeded_evaluation(connection, version.id)
    return evaluation is not None and evaluation.may_roll_out
