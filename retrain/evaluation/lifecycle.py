"""Steps of a candidate evaluation: plan, start, poll, cancel, finish."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from monitor.errors import TrainingError, TransientError, WorkflowError
from monitor.store.engine import transaction
from monitor.store.human_evaluation.closing import cancel_human_evaluation_of
from monitor.store.tables import CandidateEvaluation
from monitor.store.training import candidate_evaluations as store
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.candidate_results import read_candidate_results
from monitor.store.training.registry import VersionRow, version_by_id
from monitor.store.training.runs import run_by_id
from retrain.evaluation.gate_result import append_audit, conclude, record_scores
from retrain.evaluation.request import (
    EvaluationRequest,
    TrainingRecord,
    as_request,
    write_request,
)
from retrain.evaluation.response_cache import KEY_VARIABLE
from retrain.evaluation.rules.earlier_candidates import count_earlier_candidates
from retrain.evaluation.rules.preparation import earlier_items, prepare_reevaluation
from retrain.evaluation.weights import (
    describe_changes,
    recorded_identities,
    store_identities,
)
from retrain.jobs.child_result import describe_exit
from retrain.jobs.launcher import Launcher, LauncherSource
from retrain.jobs.lifecycle import ChildLifecycle
from retrain.jobs.progress import last_progress
from retrain.run_folder import RunFolder

#: Maximum starts of a child that is lost or fails transiently.
MAX_ATTEMPTS = 3
#: Delay of the second attempt; the third waits twice as long.
FIRST_DELAY = timedelta(minutes=5)


@dataclass(frozen=True)
class EvaluationState:
    """The state of an evaluation, with the last report of its child."""

    row: CandidateEvaluationRow
    #: Phase, system, step and steps; empty before the first report.
    progress: Mapping[str, Any]
    #: Reason why the child waits for a machine; empty if it doesn't.
    pending_reason: str = ""


def plan_evaluation(
    connection: Connection,
    version: VersionRow,
    request: EvaluationRequest,
    *,
    by: str,
    now: datetime,
) -> int:
    """Plan an evaluation unless the version has an active one; return the id of the one it has.

    A model's rules are weakened with a reason only, and a rejected version needs one, too.

    Raises:
        WorkflowError: The rules are weaker than before, or a reason is missing.
    """
    known = store.unfinished_candidate_evaluation(connection, version.id)
    if known is not None:
        return known.id
    request = prepare_reevaluation(connection, version, request, by=by)
    try:
        with connection.begin_nested():
            evaluation_id = _insert(connection, version, request, by, now)
    except IntegrityError:
        known = store.unfinished_candidate_evaluation(
            connection, version.id
        )  # another process has planned it
        if known is None:
            raise
        return known.id
    details: dict[str, Any] = {
        name: value
        for name, value in {
            "reason": request.reason,
            "after": request.evaluation_before,
            "weaker_because": request.weaker_because,
            "move_because": request.move_because,
            "weaker_rules": [str(entry) for entry in request.weaker_rules],
        }.items()
        if value
    }
    append_audit(
        connection, evaluation_id, now, by, "evaluation.planned", version=version.id, **details
    )
    return evaluation_id


def plan_or_refuse(
    connection: Connection,
    version: VersionRow,
    request: EvaluationRequest,
    *,
    by: str,
    now: datetime,
) -> int | None:
    """Plan an evaluation; where its rules are weaker, store a failed one and return ``None``.

    Whoever is told of the failure evaluates again: by other rules, or with a reason.
    """
    try:
        return plan_evaluation(connection, version, request, by=by, now=now)
    except WorkflowError as error:
        if error.code != "weaker_evaluation":
            raise
        evaluation_id = _insert(connection, version, request, by, now)
        store.finish_candidate_evaluation(
            connection, evaluation_id, "failed", now=now, error=str(error)
        )
        return None


def _insert(
    connection: Connection, version: VersionRow, request: EvaluationRequest, by: str, now: datetime
) -> int:
    run = run_by_id(connection, version.training_run_id or 0)
    return store.insert_candidate_evaluation(
        connection,
        version.id,
        launcher=run.launcher,
        work_dir=run.work_dir,
        request=msgspec.to_builtins(request),
        file_digest=request.file_digest,
        planned_by=by,
        now=now,
    )


def start_evaluation(
    engine: Engine,
    evaluation_id: int,
    launcher: Launcher,
    now: datetime,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Start the child of an evaluation, which fails where weights are not what was registered.

    See :meth:`retrain.jobs.lifecycle.ChildLifecycle.start`.

    Raises:
        WorkflowError: The evaluation is not planned.
        TransientError: The child of a cancelled evaluation still runs.
    """
    with transaction(engine) as connection:
        row = store.candidate_evaluation_by_id(connection, evaluation_id)
        key = store.responses_key(connection, evaluation_id)
    changes = describe_changes(engine, row, now) if row.status == "planned" else ""
    if changes:
        with transaction(engine) as connection:
            store.finish_candidate_evaluation(connection, row.id, "failed", now=now, error=changes)
        return
    variables = {**(environment or {}), KEY_VARIABLE: key}
    EVALUATIONS.start(engine, evaluation_id, launcher, now, variables)


def poll_evaluation(
    engine: Engine, evaluation_id: int, launcher: Launcher, now: datetime
) -> EvaluationState:
    """Poll an evaluation's child; after its end, store the results and apply their consequences.

    Children of earlier processes are polled too.
    """
    with transaction(engine) as connection:
        row = store.candidate_evaluation_by_id(connection, evaluation_id)
    folder = RunFolder(Path(row.work_dir))
    if row.status != "running" or row.handle is None:
        return EvaluationState(row, last_progress(folder, "evaluate"))
    report = EVALUATIONS.report(row, launcher)
    result = report.result
    if report.is_lost:
        error = describe_exit(launcher, folder, "evaluate")
        result = {"status": "failed", "error": error, "transient": True}
    if result is None:
        return EvaluationState(row, last_progress(folder, "evaluate"), report.pending_reason)
    with transaction(engine) as connection:
        _settle(connection, row, result, folder, now)
        row = store.candidate_evaluation_by_id(connection, evaluation_id)
    return EvaluationState(row, last_progress(folder, "evaluate"))


def poll_running(
    engine: Engine, launcher_of: LauncherSource, now: datetime
) -> list[EvaluationState]:
    """Poll every running evaluation.

    See :meth:`retrain.jobs.lifecycle.ChildLifecycle.poll_running`.
    """
    return EVALUATIONS.poll_running(
        engine,
        launcher_of,
        lambda evaluation_id, launcher: poll_evaluation(engine, evaluation_id, launcher, now),
    )


def _prepare(connection: Connection, row: CandidateEvaluationRow, folder: RunFolder) -> None:
    for other in store.evaluations_to_terminate(connection, version_id=row.version_id):
        raise TransientError(  # otherwise its child, with another request, would be adopted
            f"evaluation {row.id} waits: the child of the cancelled evaluation {other.id} still "
            f"runs: {other.termination_error}",
            code="child_running",
        )
    request = as_request(row.request)
    request = msgspec.structs.replace(
        request,
        known_responses=tuple(store.responses_digests(connection)),
        identities=recorded_identities(connection, row),
        earlier=earlier_items(connection, request),
        trained_on=TrainingRecord.of_lineage(version_by_id(connection, row.version_id).lineage),
    )
    try:
        write_request(folder, row.id, row.attempts, request)
    except OSError as error:
        raise TrainingError(f"{folder.root}: can't be written: {error}") from error


def _mark_cancelled(
    connection: Connection, row: CandidateEvaluationRow, now: datetime, cancelled_by: str
) -> None:
    # Before the audit entry, because this step waits for a rater who is submitting.
    cancel_human_evaluation_of(connection, row.id, now)
    error = f"cancelled by {cancelled_by}"
    store.finish_candidate_evaluation(
        connection, row.id, "cancelled", now=now, by=cancelled_by, error=error
    )


def _settle(
    connection: Connection,
    row: CandidateEvaluationRow,
    result: dict[str, Any],
    folder: RunFolder,
    now: datetime,
) -> None:
    current = store.candidate_evaluation_by_id(connection, row.id, lock=True)
    if current.status != "running" or current.handle != row.handle:
        return  # another process has finished it
    if result.get("status") != "succeeded":
        _fail_or_postpone(connection, row, result, now)
        return
    try:
        results = read_candidate_results(folder.evaluation)
        error = f"{folder.evaluation} is missing although the child succeeded"
    except TrainingError as unreadable:
        results, error = None, str(unreadable)
    if results is None:
        store.finish_candidate_evaluation(connection, row.id, "failed", now=now, error=error)
        return
    results = count_earlier_candidates(connection, row, results)
    store_identities(connection, row, result)
    record_scores(connection, row.version_id, results, now)
    plan = as_request(row.request).plan
    if plan.human_eval is not None and results.gate_result != "reject":
        store.await_ratings(connection, row.id, results, now)
        return
    conclude(connection, row, results, now)


def _fail_or_postpone(
    connection: Connection, row: CandidateEvaluationRow, result: dict[str, Any], now: datetime
) -> None:
    error = str(result.get("error") or "the child failed")
    if result.get("transient") and row.attempts < MAX_ATTEMPTS:
        until = now + FIRST_DELAY * row.attempts
        store.postpone_evaluation(connection, row.id, error, until, now)
        return
    store.finish_candidate_evaluation(connection, row.id, "failed", now=now, error=error)


EVALUATIONS: ChildLifecycle[CandidateEvaluationRow] = ChildLifecycle(
    task="evaluate",
    noun="evaluation",
    table=CandidateEvaluation,
    row_by_id=lambda connection, evaluation_id, lock: store.candidate_evaluation_by_id(
        connection, evaluation_id, lock=lock
    ),
    running=partial(store.list_candidate_evaluations, statuses=("running",)),
    to_terminate=store.evaluations_to_terminate,
    prepare=_prepare,
    mark_running=store.mark_running,
    mark_cancelled=_mark_cancelled,
)
#: An open human evaluation is cancelled, too.
cancel_evaluation = EVALUATIONS.cancel
stop_children = EVALUATIONS.terminate_all
