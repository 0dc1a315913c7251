"""Evaluations of candidates: a row first, then the child, and what follows from its verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from monitor.errors import (
    ConfigurationError,
    RemoteServiceError,
    TrainingError,
    WorkflowError,
)
from monitor.store import candidate_evaluations as store
from monitor.store.candidate_evaluations import FINAL, CandidateEvaluationRow
from monitor.store.engine import transaction
from monitor.store.human_study_ends import cancel_study_of
from monitor.telemetry import get_logger
from retrain.evaluation.recorded import conclude, keep_scores, note
from retrain.evaluation.request import as_request, write_request
from retrain.launchers import Launcher, LauncherSource
from retrain.run_folder import RunFolder, read_json
from retrain.runs.child_end import last_words, result_of
from retrain.runs.progress_record import last_progress

log = get_logger(__name__)

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
    """
    with transaction(engine) as connection:
        # Held until the handle is stored: two daemons must not start two children.
        row = store.evaluation_by_id(connection, evaluation_id, lock=True)
        if row.status == "running":
            return
        if row.status != "planned":
            raise WorkflowError(f"evaluation {evaluation_id} is {row.status}; plan another one")
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
        row = store.evaluation_by_id(connection, evaluation_id)
    folder = RunFolder(Path(row.work_dir))
    if row.status != "running" or row.handle is None:
        return EvaluationState(row, last_progress(folder, "evaluate"))
    # The order counts: a child that ends in between has written its result by then.
    status = launcher.status(row.handle)
    result = result_of(folder, "evaluate")
    if result is None and status != "gone":
        waits = launcher.explain(folder, "evaluate") if status == "pending" else ""
        return EvaluationState(row, last_progress(folder, "evaluate"), waits)
    if result is None:
        result = {
            "status": "failed",
            "error": last_words(launcher, folder, "evaluate"),
            "transient": True,
        }
    with transaction(engine) as connection:
        _settle(connection, row, result, folder, now)
        row = store.evaluation_by_id(connection, evaluation_id)
    return EvaluationState(row, last_progress(folder, "evaluate"))


def poll_running(
    engine: Engine, launcher_of: LauncherSource, now: datetime
) -> list[EvaluationState]:
    """Poll every evaluation that is under way.

    One whose launcher doesn't answer, or isn't configured any more, stays as it is and is left
    out; the others are polled.
    """
    with transaction(engine) as connection:
        running = store.list_evaluations(connection, statuses=("running",))
    states = []
    for row in running:
        try:
            states.append(poll_evaluation(engine, row.id, launcher_of(row.launcher), now))
        except (ConfigurationError, RemoteServiceError) as error:
            log.warning("nothing is known of an evaluation", evaluation=row.id, error=str(error))
    return states


def cancel_evaluation(
    engine: Engine, evaluation_id: int, launcher: Launcher, now: datetime, *, cancelled_by: str
) -> None:
    """Cancel an evaluation and end its child.

    Raises:
        WorkflowError: It has already ended.
        RemoteServiceError: Who runs the child doesn't answer; nothing was changed.
    """
    # A cancelled one is looked at no more: its child must be within reach, or it would run on.
    launcher.check()
    with transaction(engine) as connection:
        row = store.evaluation_by_id(connection, evaluation_id, lock=True)
        if row.status in FINAL:
            raise WorkflowError(f"evaluation {evaluation_id} is {row.status} already")
        # First the row: should this process die now, the child's result is ignored.
        error = f"cancelled by {cancelled_by}"
        store.finish_evaluation(connection, row.id, "cancelled", now=now, error=error)
        study = cancel_study_of(connection, row.id, now)
        note(connection, row.id, now, cancelled_by, "evaluation.cancelled", study=study)
    if row.status == "awaiting_people":
        return
    handle = row.handle or launcher.adopt(RunFolder(Path(row.work_dir)), "evaluate")
    if handle is not None:
        launcher.cancel(handle)


def _settle(
    connection: Connection,
    row: CandidateEvaluationRow,
    result: dict[str, Any],
    folder: RunFolder,
    now: datetime,
) -> None:
    if store.evaluation_by_id(connection, row.id, lock=True).status != "running":
        return  # another process was faster
    if result.get("status") != "succeeded":
        _fail_or_put_off(connection, row, result, now)
        return
    verdict = read_json(folder.evaluation)
    if verdict is None:
        error = f"{folder.evaluation}: the child succeeded and left no verdict"
        store.finish_evaluation(connection, row.id, "failed", now=now, error=error)
        return
    keep_scores(connection, row.version_id, verdict, now)
    asked = as_request(row.request).plan.human_eval
    if asked is not None and verdict["decision"] != "reject":
        store.keep_verdict(connection, row.id, verdict, dict(verdict["benchmarks"]))
        return
    conclude(connection, row, verdict, now)


def _fail_or_put_off(
    connection: Connection, row: CandidateEvaluationRow, result: dict[str, Any], now: datetime
) -> None:
    error = str(result.get("error") or "the child failed")
    if result.get("transient") and row.attempts < MOST_ATTEMPTS:
        store.put_off(connection, row.id, error, now + FIRST_DELAY * row.attempts)
        return
    store.finish_evaluation(connection, row.id, "failed", now=now, error=error)
