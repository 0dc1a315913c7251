"""Rejection of a candidate by a user, in the caller's transaction."""

import shlex
from datetime import datetime

from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.training import registry as versions
from monitor.store.training.candidate_evaluations import unfinished_candidate_evaluation
from monitor.store.training.registry import VersionRow
from retrain.registry.stages import move_stage


def reject_version(
    connection: Connection, version: VersionRow, now: datetime, *, by: str, reason: str
) -> None:
    """Reject a candidate: it starts no rollout until it is evaluated again with a reason.

    Raises:
        WorkflowError: There is no reason, the version is no candidate, or an evaluation of it is
            not finished.
    """
    if not reason.strip():
        raise WorkflowError("a rejection needs a reason", code="no_reason")
    version = versions.version_by_id(connection, version.id, lock=True)
    name = f"{version.model} version {version.version}"
    if version.stage != "candidate":
        raise WorkflowError(
            f"{name} is {version.stage}; only a candidate can be rejected"
            f"{_advice(connection, version)}",
            code="not_candidate",
        )
    unfinished = unfinished_candidate_evaluation(connection, version.id)
    if unfinished is not None:
        status = unfinished.status.replace("_", " ")
        raise WorkflowError(
            f"{name}: its evaluation is not finished: {status}; wait for it, or cancel it: "
            f"driftwarden retrain evaluate {version.training_run_id} --cancel",
            code="evaluation_not_finished",
        )
    move_stage(connection, version.id, "rejected", changed_by=by, reason=reason, now=now)


def _advice(connection: Connection, version: VersionRow) -> str:
    model = shlex.quote(version.model)
    changes = versions.stage_changes(connection, version.id)
    if version.stage == "rejected" and changes:
        change = changes[-1]
        return f"; {change.changed_by} did at {change.changed_at:%Y-%m-%d %H:%M}: {change.reason}"
    if version.stage == "canary":
        return (
            "; revert its rollout first, on its page or by driftwarden rollout revert --model "
            f"{model} --reason WHY"
        )
    if version.stage == "production":
        return f"; roll back on its page, or by driftwarden models rollback --model {model}"
    return ""
