"""Evaluations of candidates: a row first, then the child, and what follows from its verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from monitor.errors import (
    DatabaseUnavailableError,
    DriftwardenError,
    TrainingError,
    TransientError,
    WorkflowError,
)
from monitor.store.engine import transaction
from monitor.store.human_evaluation.closing import cancel_human_evaluation_of
from monitor.store.training import candidate_evaluations as store
from monitor.store.training.candidate_evaluations import FINAL, CandidateEvaluationRow
from monitor.store.training.candidate_results import read_candidate_results
from monitor.telemetry import get_logger
from retrain.evaluation.conclusion import append_audit, conclude, record_scores
from retrain.evaluation.request import as_request, write_request
from retrain.jobs.cancelled_children import JUST_CANCELLED, CancelledChildren, child_to_stop
from retrain.jobs.child_result import describe_exit, read_result
from retrain.jobs.launcher import Launcher, LauncherSource
from retrain.jobs.progress import last_progress
from retrain.run_folder import RunFolder

log = get_logger(__name__)

LEFT = CancelledChildren(
    "evaluation",
    partial(store.candidate_evaluation_by_id, lock=True),
    store.evaluations_to_terminate,
    store.set_termination_error,
)

#: A child that dies, or misses a service, is started again until this many were started.
MOST_ATTEMPTS = 3
#: How long the second attempt waits; the third waits twice as long.
FIRST_DELAY = timedelta(minutes=5)


@dataclass(frozen=True)
class EvaluationState:
    """An evaluation as it stands, with what its child last reported."""

    row: CandidateEvaluationRow
    #: Phase, system, step and steps; empty before the first report.
    progress: Mapping[str, Any]
    #: Why the child waits for a machine; empty where it doesn't.
    waits: str = ""


def start_evaluation(
    engine: Engine,
    evaluation_id: int,
    launcher: Launcher,
    now: datetime,
    *,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Start the child of a planned evaluation, or adopt the one that a dead process has started.

    Raises:
        WorkflowError: The evaluation has ended.
        TransientError: It waits, for the child of a cancelled one for instance.
    """
    with transaction(engine) as connection:
        # Held until the handle is stored: two daemons must not start two children.
        row = store.candidate_evaluation_by_id(connection, evaluation_id, lock=True)
        if row.status == "running":
            return
        if row.status != "planned":
            raise WorkflowError(f"evaluation {evaluation_id} is {row.status}; plan another one")
        for left in store.evaluations_to_terminate(connection, version_id=row.version_id):
            raise TransientError(  # or it would be adopted, with what the other one asks
                f"evaluation {evaluation_id} waits: the child of evaluation {left.id}, which was "
                f"cancelled, couldn't be ended yet: {left.termination_error}"
            )
        folder = RunFolder(Path(row.work_dir))
        try:
            write_request(folder, row.id, row.attempts, as_request(row.request))
        except OSError as error:
            raise TrainingError(f"{folder.root}: can't be written: {error}") from error
        handle = launcher.submit(folder, dict(environment or {}), "evaluate")
        store.mark_running(connection, evaluation_id, handle, now)


def poll_evaluation(
    engine: Engine, evaluation_id: int, launcher: Launcher, now: datetime
) -> EvaluationState:
    """Look at an evaluation's child; when it has ended, keep the verdict and do what it says.

    Works the same in a daemon that was started after the child.
    """
    with transaction(engine) as connection:
        row = store.candidate_evaluation_by_id(connection, evaluation_id)
    folder = RunFolder(Path(row.work_dir))
    if row.status != "running" or row.handle is None:
        return EvaluationState(row, last_progress(folder, "evaluate"))
    # The order counts: a child that ends in between has written its result by then.
    status = launcher.status(row.handle)
    result = read_result(folder, "evaluate")
    if result is None and status != "gone":
        waits = launcher.explain(folder, "evaluate") if status == "pending" else ""
        return EvaluationState(row, last_progress(folder, "evaluate"), waits)
    if result is None:
        result = {
            "status": "failed",
            "error": describe_exit(launcher, folder, "evaluate"),
            "transient": True,
        }
    with transaction(engine) as connection:
        _settle(connection, row, result, folder, now)
        row = store.candidate_evaluation_by_id(connection, evaluation_id)
    return EvaluationState(row, last_progress(folder, "evaluate"))


def poll_running(
    engine: Engine, launcher_of: LauncherSource, now: datetime
) -> list[EvaluationState]:
    """Poll every evaluation that is under way.

    One that can't be looked at stays as it is and is left out, for instance since its launcher
    doesn't answer or isn't configured any more; the others are polled.
    """
    with transaction(engine) as connection:
        running = store.list_candidate_evaluations(connection, statuses=("running",))
    states = []
    for row in running:
        try:
            states.append(poll_evaluation(engine, row.id, launcher_of(row.launcher), now))
        except DatabaseUnavailableError:
            raise
        except (DriftwardenError, OSError) as error:
            log.warning("nothing is known of an evaluation", evaluation=row.id, error=str(error))
    return states


def cancel_evaluation(
    engine: Engine, evaluation_id: int, launcher: Launcher, now: datetime, *, cancelled_by: str
) -> str | None:
    """Cancel an evaluation and end its child; of a cancelled one, try again to end its child.

    Returns:
        Why the child couldn't be ended yet: :func:`stop_children` tries again. ``None``: it was, or
        there is none.

    Raises:
        WorkflowError: It has already ended, and no child of it is left.
        RemoteServiceError: Who runs the child doesn't answer; nothing was changed.
    """
    launcher.check()
    with transaction(engine) as connection:
        row = store.candidate_evaluation_by_id(connection, evaluation_id, lock=True)
        if row.status not in FINAL:
            _cancel_row(connection, row, launcher, now, cancelled_by)
            row = store.candidate_evaluation_by_id(connection, evaluation_id)
        elif row.termination_error is None:
            raise WorkflowError(f"evaluation {evaluation_id} is {row.status} already")
    return LEFT.end(engine, row, lambda _name: launcher)


def stop_children(engine: Engine, launcher_of: LauncherSource) -> None:
    """Try again to end the children of cancelled evaluations that couldn't be ended."""
    LEFT.end_all(engine, launcher_of)


def _cancel_row(
    connection: Connection,
    row: CandidateEvaluationRow,
    launcher: Launcher,
    now: datetime,
    cancelled_by: str,
) -> None:
    handle = None
    if row.status != "awaiting_ratings":
        handle = child_to_stop(launcher, RunFolder(Path(row.work_dir)), row.handle, "evaluate")
    # First the row: should this process die now, the child's result is ignored.
    error = f"cancelled by {cancelled_by}"
    store.finish_candidate_evaluation(connection, row.id, "cancelled", now=now, error=error)
    human_evaluation = cancel_human_evaluation_of(connection, row.id, now)
    if handle is not None:
        store.record_unterminated_child(connection, row.id, handle, JUST_CANCELLED)
    append_audit(
        connection,
        row.id,
        now,
        cancelled_by,
        "evaluation.cancelled",
        human_evaluation=human_evaluation,
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
        return  # another process was faster
    if result.get("status") != "succeeded":
        _fail_or_put_off(connection, row, result, now)
        return
    try:
        results = read_candidate_results(folder.evaluation)
        error = f"{folder.evaluation}: missing, though the child succeeded"
    except TrainingError as unreadable:
        results, error = None, str(unreadable)
    if results is None:
        store.finish_candidate_evaluation(connection, row.id, "failed", now=now, error=error)
        return
    record_scores(connection, row.version_id, results, now)
    plan = as_request(row.request).plan
    if plan.human_eval is not None and results.gate_result != "reject":
        store.save_results(connection, row.id, results)
        return
    conclude(connection, row, results, now)


def _fail_or_put_off(
    connection: Connection, row: CandidateEvaluationRow, result: dict[str, Any], now: datetime
) -> None:
    error = str(result.get("error") or "the child failed")
    if result.get("transient") and row.attempts < MOST_ATTEMPTS:
        store.postpone_evaluation(connection, row.id, error, now + FIRST_DELAY * row.attempts)
        return
    store.finish_candidate_evaluation(connection, row.id, "failed", now=now, error=error)
