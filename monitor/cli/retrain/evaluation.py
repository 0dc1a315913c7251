"""`driftwarden retrain evaluate`: plan an evaluation, start or adopt its process, wait for it."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.cli.shared.access import account_name
from monitor.errors import RemoteServiceError, TrainingError, WorkflowError
from monitor.settings import Secrets, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
    from monitor.store.training.registry import VersionRow
    from retrain.evaluation.benchmark import Benchmark

#: Exit status of each gate result, as `compare` and `evaluate` have them.
EXIT_STATUS = {"promote": 0, "reject": 3, "undecided": 4}
_POLL_SECONDS = 0.5


def evaluate_run(
    engine: "Engine",
    settings: Settings,
    secrets: Secrets,
    run_id: int,
    file: Path,
    *,
    reason: str = "",
    weaker_because: str = "",
    move_because: str = "",
) -> "CandidateEvaluationRow":
    """Evaluate the candidate of a run in a separate process; return the row at the end.

    The row has a result then, final or awaiting ratings. A daemon may start the process or store
    its result meanwhile: both happen once. A rejected version is evaluated with a reason only.

    Raises:
        ConfigurationError: The evaluation file isn't valid.
        InputError: A data set can't be used.
        WorkflowError: The run hasn't succeeded, or is being evaluated with another file.
        TrainingError: The evaluation failed or was cancelled.
    """
    from monitor.cli.retrain.progress import shown_progress
    from monitor.review.guidelines.versions import task_types_in_force
    from monitor.store.engine import transaction
    from monitor.store.training.candidate_evaluations import candidate_evaluation_by_id
    from monitor.store.training.candidate_results import SYSTEM_NAMES
    from retrain.evaluation.lifecycle import plan_evaluation, poll_evaluation, start_evaluation
    from retrain.evaluation.request import request_for
    from retrain.jobs.factory import create_launcher

    version = _version(engine, run_id)
    check_benchmarks(settings, secrets, file)
    now = datetime.now(UTC)
    with transaction(engine) as connection:
        request = request_for(
            connection,
            version,
            settings,
            file,
            task_types=task_types_in_force(connection, settings.review, version.model),
            reason=reason,
            weaker_because=weaker_because,
            move_because=move_because,
        )
        by = account_name()
        evaluation = plan_evaluation(connection, version, request, by=by, now=now)
        under_way = candidate_evaluation_by_id(connection, evaluation)
    if under_way.file_digest != request.file_digest:
        raise WorkflowError(
            f"candidate evaluation {evaluation} of run {run_id} is running with another file or "
            f"an earlier version of it: {under_way.request['origin']}; wait for it, or cancel it: "
            f"`driftwarden retrain evaluate {run_id} --cancel`",
            code="other_evaluation_running",
        )
    with shown_progress("loading the models", sys.stderr) as show:
        while True:
            now = datetime.now(UTC)
            row = _row(engine, evaluation)
            launcher = create_launcher(row.launcher, settings.retrain, secrets)
            if row.status == "planned" and row.next_attempt_at <= now:
                start_evaluation(engine, evaluation, launcher, now)
            state = poll_evaluation(engine, evaluation, launcher, now)
            if state.row.status not in {"planned", "running"}:
                break
            if state.pending_reason:
                show(f"waiting: {state.pending_reason}")
            elif state.row.error:
                show(f"retrying later: {state.row.error}")
            elif state.progress:
                system = SYSTEM_NAMES.get(state.progress.get("system", ""), "")
                phase = [state.progress["phase"], system]
                show(" ".join(phase).strip(), state.progress["step"], state.progress["steps"])
            time.sleep(_POLL_SECONDS)
    if state.row.status in {"failed", "cancelled"}:
        raise TrainingError(f"evaluation {evaluation} {state.row.status}: {state.row.error}")
    return state.row


def cancel_evaluation_of_run(
    engine: "Engine", settings: Settings, secrets: Secrets, run_id: int
) -> int:
    """Cancel the candidate evaluation of a run, and return its id.

    Raises:
        WorkflowError: No evaluation is running.
        RemoteServiceError: It is cancelled, but its process is still running.
    """
    from retrain.evaluation.lifecycle import cancel_evaluation
    from retrain.jobs.factory import create_launcher

    row = last_evaluation_of_run(engine, run_id)
    launcher = create_launcher(row.launcher, settings.retrain, secrets)
    now = datetime.now(UTC)
    why = cancel_evaluation(engine, row.id, launcher, now, cancelled_by=account_name())
    if why is not None:
        raise child_still_running(f"evaluation {row.id}", why)
    return row.id


def child_still_running(subject: str, reason: str) -> RemoteServiceError:
    """Return the error of a cancelled run or evaluation whose process is still running."""
    return RemoteServiceError(
        f"{subject} is cancelled, but its process is still running: {reason}; the daemon tries "
        "again to end it, and so does this command",
        code="child_running",
    )


def dry_run_lines(settings: Settings, secrets: Secrets, file: Path) -> "Iterator[str]":
    """Yield remarks on the benchmarks of a file, and what trivial systems score on them.

    Raises:
        ConfigurationError: The evaluation file isn't valid.
        InputError: A data set can't be used.
    """
    import numpy as np

    from retrain.evaluation.report import trivial_lines
    from retrain.evaluation.trivial.measurement import (
        best_trivial_scores,
        measure_trivial,
        unmeasured_remarks,
    )

    benchmarks = check_benchmarks(settings, secrets, file)
    for benchmark in benchmarks:
        remarks = (*benchmark.remarks(), *unmeasured_remarks(benchmark))
        yield from (f"note: {remark}" for remark in remarks)
    rng = np.random.default_rng(0)
    yield from trivial_lines(
        [
            score
            for benchmark in benchmarks
            for score in best_trivial_scores(benchmark, measure_trivial(benchmark, rng))
        ]
    )


def check_benchmarks(settings: Settings, secrets: Secrets, file: Path) -> "list[Benchmark]":
    """Load every data set and metric, so that errors appear before a model is loaded.

    Raises:
        ConfigurationError: The evaluation file isn't valid.
        InputError: A data set can't be used.
    """
    from monitor.settings.evaluation_file import read_plan
    from retrain.evaluation.benchmark import load_benchmarks
    from retrain.evaluation.judge.chat_client import judge_of
    from retrain.evaluation.metrics.catalogue import MetricModels

    retrain = settings.retrain
    with judge_of(retrain.judge, secrets.judge_api_key.get_secret_value()) as judge:
        models = MetricModels.from_settings(retrain.scoring, judge=judge)
        return load_benchmarks(read_plan(file), models)


def last_evaluation_of_run(engine: "Engine", run_id: int) -> "CandidateEvaluationRow":
    """Return the newest candidate evaluation of a run.

    Raises:
        WorkflowError: There is none, or the run hasn't succeeded.
    """
    from monitor.store.engine import transaction
    from monitor.store.training.candidate_evaluations import latest_candidate_evaluation

    version = _version(engine, run_id)
    with transaction(engine) as connection:
        row = latest_candidate_evaluation(connection, version.id)
    if row is None:
        raise WorkflowError(
            f"run {run_id} has no evaluation: driftwarden retrain evaluate {run_id}",
            code="no_evaluation",
        )
    return row


def _version(engine: "Engine", run_id: int) -> "VersionRow":
    from monitor.store.engine import transaction
    from monitor.store.training.registry import version_of_run
    from monitor.store.training.runs import run_by_id

    with transaction(engine) as connection:
        run = run_by_id(connection, run_id)
        version = version_of_run(connection, run_id)
    if version is None:
        raise WorkflowError(
            f"training run {run_id} is {run.status}; only succeeded runs are evaluated",
            code="not_succeeded",
        )
    return version


def _row(engine: "Engine", evaluation_id: int) -> "CandidateEvaluationRow":
    from monitor.store.engine import transaction
    from monitor.store.training.candidate_evaluations import candidate_evaluation_by_id

    with transaction(engine) as connection:
        return candidate_evaluation_by_id(connection, evaluation_id)
