"""Gate results: scores, rejection, approval, permission to roll out."""

import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.audit_log import append_entry
from monitor.store.training import candidate_evaluations as store
from monitor.store.training import registry as versions
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.candidate_results import (
    CANDIDATE,
    CandidateResults,
    GateCheck,
    SystemScores,
)
from monitor.store.training.registry import VersionRow
from monitor.store.training.runs import run_by_id
from monitor.telemetry import get_logger
from retrain.evaluation.gates.promotion_rule import combine_checks
from retrain.evaluation.request import as_request
from retrain.evaluation.rules.kept_items import may_lift_rejection
from retrain.identity.verification import require_unchanged
from retrain.models.adapter_folder import add_scores
from retrain.planning.next_step import next_step_after
from retrain.registry.four_eyes import Approval, require_other_account
from retrain.registry.reasons import require_sentence
from retrain.registry.stages import move_stage, store_scores

log = get_logger(__name__)

#: The actor of a rejection in the audit log.
ACTOR = "gates"


def record_scores(
    connection: Connection, version_id: int, results: CandidateResults, now: datetime
) -> None:
    """Store the candidate's scores in the registry and on its model card."""
    version = versions.version_by_id(connection, version_id)
    for scores in results.scores:
        if scores.system == CANDIDATE:
            store_scores(connection, version_id, scores.benchmark, scores.scores, now)
            _show_on_card(version, scores)


def conclude(
    connection: Connection, row: CandidateEvaluationRow, results: CandidateResults, now: datetime
) -> bool:
    """Finish an evaluation, and reject a candidate that failed; return whether this call did.

    A rejection names the next step. A rejected version that was evaluated again on the same items,
    and not rejected again, is a candidate.
    """
    version = versions.version_by_id(connection, row.version_id, lock=True)
    if results.gate_result == "reject":
        results = _with_next_step(connection, version, results)
    if not store.finish_candidate_evaluation(
        connection, row.id, "succeeded", now=now, by=ACTOR, results=results
    ):
        return False
    if results.gate_result == "reject" and version.stage == "candidate":
        failed = [check for check in results.checks if check.outcome == "failed"]
        reason = "; ".join(f"{check.name}: {check.observed}" for check in failed)
        move_stage(connection, version.id, "rejected", changed_by=ACTOR, reason=reason, now=now)
    elif (
        results.gate_result != "reject"
        and version.stage == "rejected"
        and may_lift_rejection(request := as_request(row.request), results)
        # Planned as an evaluation of a rejected version: one of a candidate lifts nothing.
        and (request.reason.strip() or _is_after_rejection(connection, row))
    ):
        reason = f"evaluated again: {request.reason}"
        move_stage(
            connection, version.id, "candidate", changed_by=row.planned_by, reason=reason, now=now
        )
    return True


def add_checks(results: CandidateResults, checks: Sequence[GateCheck]) -> CandidateResults:
    """Add checks to results and recompute the gate result."""
    combined = (*results.checks, *checks)
    return msgspec.structs.replace(results, checks=combined, gate_result=combine_checks(combined))


def approve(
    connection: Connection,
    evaluation_id: int,
    *,
    by: str,
    reason: str,
    now: datetime,
    approval: Approval = "one",
) -> None:
    """Approve a candidate whose gate result is undecided.

    ``approval`` is ``retrain.approval``. The audit log says whether the same account trained or
    evaluated the version.

    Raises:
        WorkflowError: The gate result is not undecided, the candidate is already approved, the
            version is no longer a candidate, or no longer what was evaluated, the reason is no
            sentence, or somebody else has to approve it.
    """
    reason = require_sentence(reason, "an approval")
    row = store.candidate_evaluation_by_id(connection, evaluation_id, lock=True)
    if row.gate_result != "undecided":
        raise WorkflowError(
            f"evaluation {evaluation_id}: the gate result is {row.gate_result or row.status}; only "
            "undecided candidates can be approved",
            code="not_undecided",
        )
    if row.stage != "candidate":
        raise WorkflowError(
            f"{row.model} version {row.version} is already {row.stage}", code="not_candidate"
        )
    version = versions.version_by_id(connection, row.version_id)
    require_unchanged(connection, version, now)
    deeds = require_other_account(connection, version, by, approval)
    if not store.approve_evaluation(connection, evaluation_id, by, reason, now):
        raise WorkflowError(
            f"evaluation {evaluation_id} was already approved by {row.approved_by}", code="approved"
        )
    append_audit(
        connection, evaluation_id, now, by, "evaluation.approved", reason=reason, did=deeds
    )


def require_promotable(connection: Connection, version: VersionRow) -> None:
    """Require that a version passed the gates, is the model's first, or has served before.

    Raises:
        WorkflowError: No condition holds; the message says what to do.
    """
    is_first = versions.production_version(connection, version.model) is None
    changes = versions.stage_changes(connection, version.id)
    if not is_first and not any(change.to_stage == "production" for change in changes):
        require_gate_passed(connection, version)


def require_gate_passed(connection: Connection, version: VersionRow) -> None:
    """Require the gate result promote, or undecided with an approval.

    A gate result is valid while the version that the candidate was compared with serves.

    Raises:
        WorkflowError: The requirement is not met; the message says what to do.
    """
    name = f"{version.model} version {version.version}"
    evaluate = f"on its page, or by driftwarden retrain evaluate {version.training_run_id}"
    unfinished = store.unfinished_candidate_evaluation(connection, version.id)
    if unfinished is not None:
        status = unfinished.status.replace("_", " ")
        raise WorkflowError(
            f"{name}: its evaluation is not finished: {status}", code="evaluation_not_finished"
        )
    row = store.latest_succeeded_evaluation(connection, version.id)
    if row is None and version.training_run_id is None:
        raise WorkflowError(
            f"{name} has no training run, so it can't be evaluated; to promote it without a "
            f"gate result: driftwarden models promote {version.version} --model "
            f"{shlex.quote(version.model)} --without-gate --reason WHY",
            code="no_training_run",
        )
    if row is None:
        raise WorkflowError(
            f"{name} has no gate result; set retrain.evaluation to an evaluation file, or "
            f"evaluate it {evaluate}",
            code="no_gate_result",
        )
    if not row.may_roll_out:
        # Only an undecided candidate can be approved.
        step = (
            "approve it on the page of its evaluation, or by driftwarden retrain approve "
            f"{version.training_run_id} --reason WHY"
            if row.gate_result == "undecided"
            else f"evaluate it again {evaluate} --reason WHY"
        )
        raise WorkflowError(
            f"{name}: the gate result is {row.gate_result}; a rollout needs promote, or "
            f"undecided with an approval; {step}",
            code="not_promoted",
        )
    serving = versions.production_version(connection, version.model)
    if serving is not None and serving.id != version.id and not _is_against(row, serving):
        raise WorkflowError(
            f"{name} was not compared with the serving version {serving.version}; evaluate it "
            f"again {evaluate}",
            code="other_incumbent",
        )


def append_audit(
    connection: Connection, evaluation_id: int, now: datetime, by: str, action: str, **details: Any
) -> None:
    """Append an action on an evaluation to the audit log."""
    append_entry(connection, now, by, action, f"candidate_evaluations/{evaluation_id}", details)


def _with_next_step(
    connection: Connection, version: VersionRow, results: CandidateResults
) -> CandidateResults:
    run_id = version.training_run_id
    if not run_id:
        return results
    step = next_step_after(connection, run_by_id(connection, run_id), results.checks)
    return results if step is None else msgspec.structs.replace(results, next_step=step.text)


def _is_after_rejection(connection: Connection, row: CandidateEvaluationRow) -> bool:
    """Return whether an evaluation was planned after its version was rejected."""
    changes = versions.stage_changes(connection, row.version_id)
    return changes[-1].changed_at <= row.created_at


def _show_on_card(version: VersionRow, scores: SystemScores) -> None:
    try:
        add_scores(Path(version.adapter_path), scores.benchmark, scores.scores)
    except OSError as error:  # the registry has the scores; an unwritable card is no failure
        log.warning("model_card_not_updated", version=version.id, error=str(error))


def _is_against(row: CandidateEvaluationRow, serving: VersionRow) -> bool:
    incumbent = as_request(row.request).incumbent
    # A fully fine-tuned version is a base model without an adapter.
    return incumbent is not None and serving.adapter_path in {incumbent.adapter, incumbent.base}
