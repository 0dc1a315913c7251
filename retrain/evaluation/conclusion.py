"""What a verdict leads to: scores in the registry, a candidate out of the running, or a person."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.audit_log import append_entry
from monitor.store.training import candidate_evaluations as store
from monitor.store.training import registry as versions
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.registry import VersionRow
from monitor.store.training.runs import run_by_id
from monitor.telemetry import get_logger
from retrain.evaluation.gates.gate_result import Check, combine
from retrain.evaluation.metrics.scoring import StratumScore
from retrain.evaluation.request import as_request
from retrain.models.adapter_folder import add_scores
from retrain.planning.next_step import next_step_after
from retrain.registry.stages import move_stage, store_scores

log = get_logger(__name__)

#: Who moves a rejected candidate.
ACTOR = "gates"


def record_scores(
    connection: Connection, version_id: int, result: Mapping[str, Any], now: datetime
) -> None:
    """Store the candidate's figures, on every benchmark and stratum."""
    for one in result["scores"]:
        if one["system"] == "candidate":
            scores = [StratumScore(**score) for score in one["scores"]]
            store_scores(connection, version_id, one["benchmark"], scores, now)
            _show_on_card(versions.version_by_id(connection, version_id), one)


def conclude(
    connection: Connection,
    row: CandidateEvaluationRow,
    result: dict[str, Any],
    now: datetime,
) -> bool:
    """Make a verdict final: a rejected candidate leaves the running, the others wait for a person.

    A rejection names what to try next.

    Returns:
        Whether this call did it.
    """
    version = versions.version_by_id(connection, row.version_id, lock=True)
    gate_result = str(result["decision"])
    if gate_result == "reject":
        result = _with_next_step(connection, row, result)
    ended = store.finish_candidate_evaluation(
        connection,
        row.id,
        "succeeded",
        now=now,
        results=result,
        gate_result=gate_result,
        dataset_digests=dict(result["benchmarks"]),
    )
    if not ended:
        return False
    append_audit(connection, row.id, now, ACTOR, "evaluation.concluded", gate_result=gate_result)
    if gate_result == "reject" and version.stage == "candidate":
        failed = [one for one in result["checks"] if one["outcome"] == "failed"]
        reason = "; ".join(f"{one['name']}: {one['seen']}" for one in failed)
        move_stage(connection, version.id, "rejected", changed_by=ACTOR, reason=reason, now=now)
    return True


def _with_next_step(
    connection: Connection, row: CandidateEvaluationRow, result: dict[str, Any]
) -> dict[str, Any]:
    run_id = versions.version_by_id(connection, row.version_id).training_run_id
    step = next_step_after(connection, run_by_id(connection, run_id)) if run_id else None
    return result if step is None else {**result, "next_step": step.text}


def _show_on_card(version: VersionRow, scored: Mapping[str, Any]) -> None:
    try:
        add_scores(Path(version.adapter_path), scored["benchmark"], scored["scores"])
    except OSError as error:  # the registry has them; a card that can't be written stops no verdict
        log.warning("scores aren't on the model card", version=version.id, error=str(error))


def add_checks(result: Mapping[str, Any], checks: Sequence[Check], **more: Any) -> dict[str, Any]:
    """Return a verdict that takes further checks into account, with what else was found."""
    combined = combine([*(Check(**one) for one in result["checks"]), *checks])
    return {
        **result,
        **more,
        "decision": combined.decision,
        "checks": [asdict(check) for check in combined.checks],
    }


def approve(
    connection: Connection, evaluation_id: int, *, by: str, reason: str, now: datetime
) -> None:
    """Let a person answer for a candidate on which the verdict is undecided.

    Raises:
        WorkflowError: The verdict is another one, it was approved before, or the candidate has
            left the running.
    """
    row = store.candidate_evaluation_by_id(connection, evaluation_id, lock=True)
    if row.gate_result != "undecided":
        raise WorkflowError(
            f"evaluation {evaluation_id}: the verdict is {row.gate_result or row.status}; only an "
            "undecided one is a person's to decide"
        )
    if row.stage != "candidate":
        raise WorkflowError(f"{row.model} version {row.version} is {row.stage} already")
    if not store.approve_evaluation(connection, evaluation_id, by, reason, now):
        raise WorkflowError(f"evaluation {evaluation_id} was approved by {row.approved_by}")
    append_audit(connection, evaluation_id, now, by, "evaluation.approved", reason=reason)


def require_promotable(connection: Connection, version: VersionRow) -> None:
    """Refuse to promote a version without a verdict, unless it is the first or has served before.

    Raises:
        WorkflowError: With what to do.
    """
    first = versions.production_version(connection, version.model) is None
    moves = versions.stage_changes(connection, version.id)
    if not first and not any(move.to_stage == "production" for move in moves):
        require_gate_passed(connection, version)


def require_gate_passed(connection: Connection, version: VersionRow) -> None:
    """Refuse to let a version serve that no verdict, and no person, lets pass.

    A verdict counts as long as what it was held against serves.

    Raises:
        WorkflowError: With what to do.
    """
    name = f"{version.model} version {version.version}"
    again = f"driftwarden retrain evaluate {version.training_run_id}"
    open_one = store.unfinished_candidate_evaluation(connection, version.id)
    if open_one is not None:
        raise WorkflowError(f"{name}: its evaluation is {open_one.status.replace('_', ' ')}")
    row = store.latest_succeeded_evaluation(connection, version.id)
    if row is None and version.training_run_id is None:
        raise WorkflowError(
            f"{name} comes from no training run, so nothing could evaluate it; to let it serve all "
            f"the same: driftwarden models promote {version.model} {version.version} "
            "--without-gate --reason WHY"
        )
    if row is None:
        raise WorkflowError(
            f"{name} has no verdict; set retrain.evaluation to an evaluation file, or: {again}"
        )
    if not row.may_roll_out:
        raise WorkflowError(
            f"{name}: the verdict is {row.gate_result}; only a promoted version, or an undecided one "
            f"that a person answers for, is rolled out: driftwarden retrain approve "
            f"{version.training_run_id} --reason WHY"
        )
    serving = versions.production_version(connection, version.model)
    if serving is not None and serving.id != version.id and not _is_against(row, serving):
        raise WorkflowError(
            f"{name} was held against another version than the one that serves now, version "
            f"{serving.version}; evaluate it again: {again}"
        )


def _is_against(row: CandidateEvaluationRow, serving: VersionRow) -> bool:
    incumbent = as_request(row.request).incumbent
    # A version that was fully fine-tuned is a base, without an adapter.
    return incumbent is not None and serving.adapter_path in {incumbent.adapter, incumbent.base}


def append_audit(
    connection: Connection, evaluation_id: int, now: datetime, by: str, action: str, **details: Any
) -> None:
    """Write what was done with an evaluation into the audit log."""
    append_entry(connection, now, by, action, f"candidate_evaluations/{evaluation_id}", details)
