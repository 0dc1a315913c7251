"""Steps of a training run: plan, prepare, start, poll."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine

from monitor.errors import TrainingError, WorkflowError
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.tables import TrainingRun
from monitor.store.training import registry as versions
from monitor.store.training import runs as store
from monitor.store.training.runs import RunRow
from monitor.store.training.weights_identity import WeightsIdentity
from retrain.data import TrainingSet
from retrain.jobs.child_result import describe_exit
from retrain.jobs.launcher import Launcher, LauncherSource
from retrain.jobs.lifecycle import ChildLifecycle
from retrain.jobs.progress import last_progress, progress_record
from retrain.planning.starting_point import version_started_from
from retrain.recipes.recipe import Recipe
from retrain.registry.copies import require_new_weights
from retrain.registry.stages import register_version
from retrain.run_folder import RunFolder, write_json
from retrain.training.resumption import resume_child


@dataclass(frozen=True)
class RunState:
    """The state of a run, with the last report of its child."""

    run: RunRow
    #: Step, steps, loss and tokens per second; empty before the first step.
    progress: Mapping[str, Any]
    #: The version registered by a successful run.
    version_id: int | None
    #: Reason why the child waits for a machine; empty if it doesn't.
    pending_reason: str = ""


def plan_run(
    connection: Connection,
    *,
    model: str,
    recipe: Recipe,
    work_dir: Path,
    now: datetime,
    decision_id: int | None = None,
    launcher: str = "subprocess",
    plan: dict[str, Any] | None = None,
    planned_by: str = "driftwarden",
) -> int:
    """Insert a planned run; a decision gets one. Return its id, or that of the existing one."""
    if decision_id is not None:
        existing = store.run_of_decision(connection, decision_id)
        if existing is not None:
            return existing.id
    run_id = store.insert_run(
        connection,
        decision_id=decision_id,
        model=model,
        launcher=launcher,
        recipe=msgspec.to_builtins(recipe),
        work_dir="",
        plan=plan,
        created_at=now,
    )
    set_folder(connection, run_id, work_dir)
    append_entry(
        connection,
        now,
        planned_by,
        "run.planned",
        f"training_runs/{run_id}",
        {"model": model, "method": recipe.method},
    )
    return run_id


def set_folder(connection: Connection, run_id: int, work_dir: Path) -> None:
    """Set the folder of a run below that of all runs."""
    store.set_work_dir(connection, run_id, str(work_dir.resolve() / f"run-{run_id:05d}"))


def prepare_run(connection: Connection, run_id: int, training_set: TrainingSet) -> RunFolder:
    """Write a planned run's recipe and training set into its folder. Idempotent."""
    run = store.run_by_id(connection, run_id)
    folder = RunFolder(Path(run.work_dir))
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        write_json(folder.recipe, run.recipe)
        # Written last: the training data marks a run as prepared.
        training_set.write(folder)
    except OSError as error:
        raise TrainingError(
            f"{folder.root}: can't be written: {error}", code="not_writable"
        ) from error
    return folder


def poll_run(
    engine: Engine, run_id: int, launcher: Launcher, now: datetime, *, resumptions: int = 0
) -> RunState:
    """Poll a run's child and store its progress; finish the run after the child's end.

    Children of earlier processes are polled too.

    A lost child is resumed at most ``resumptions`` times.
    """
    with transaction(engine) as connection:
        run = store.run_by_id(connection, run_id)
        known = versions.version_of_run(connection, run_id)
    folder = RunFolder(Path(run.work_dir))
    if run.status != "running" or run.handle is None:
        return RunState(run, last_progress(folder), known.id if known else None)
    report = RUNS.report(run, launcher)
    record = progress_record(folder, launcher, report.pending_reason)
    with transaction(engine) as connection:
        store.save_progress(connection, run_id, record)
    result = report.result
    if report.is_lost:
        result = _resume_or_fail(engine, run, launcher, now, resumptions)
    with transaction(engine) as connection:
        version_id = None if result is None else _finish(connection, run, result, now)
        run = store.run_by_id(connection, run_id)
    if result is None:
        return RunState(run, record["last"], None, report.pending_reason)
    return RunState(run, last_progress(folder), version_id)


def poll_running(
    engine: Engine, launcher_of: LauncherSource, now: datetime, *, resumptions: int = 0
) -> list[RunState]:
    """Poll every running run. See :meth:`retrain.jobs.lifecycle.ChildLifecycle.poll_running`."""
    return RUNS.poll_running(
        engine,
        launcher_of,
        lambda run_id, launcher: poll_run(engine, run_id, launcher, now, resumptions=resumptions),
    )


def _resume_or_fail(
    engine: Engine, run: RunRow, launcher: Launcher, now: datetime, resumptions: int
) -> dict[str, Any] | None:
    """Resume a run with a lost child; return the failure if it can't be resumed."""
    # Read the log before another attempt replaces it.
    error = describe_exit(launcher, RunFolder(Path(run.work_dir)), "train")
    try:
        if resume_child(engine, run, launcher, now, limit=resumptions):
            return None
    except (TrainingError, WorkflowError) as refusal:
        error += f"; it can't be resumed: {refusal}"
    return {"status": "failed", "error": error}


def _finish(
    connection: Connection, run: RunRow, result: dict[str, Any], now: datetime
) -> int | None:
    current = store.run_by_id(connection, run.id, lock=True)
    if current.handle != run.handle:
        return None  # another process has resumed the run; a new child runs
    error, identity = str(result.get("error") or "the child failed"), None
    succeeded = result.get("status") == "succeeded"
    if succeeded and "identity" in result:
        identity = msgspec.convert(result["identity"], WeightsIdentity)
        try:
            require_new_weights(connection, run.model, identity)
        except WorkflowError as known_weights:
            succeeded, error = False, f"{known_weights}; train with other data, or another seed"
    finished = store.finish_run(
        connection,
        run.id,
        "succeeded" if succeeded else "failed",
        finished_at=now,
        result=result,
        error=None if succeeded else error,
    )
    if not finished or not succeeded:
        known = versions.version_of_run(connection, run.id)
        return known.id if known else None
    parent = version_started_from(connection, run)
    return register_version(
        connection,
        model=run.model,
        adapter_path=str(result["adapter"]),
        adapter_digest=str(result["adapter_digest"]),
        lineage=dict(result["lineage"]),
        now=now,
        parent_id=parent.id if parent else None,
        training_run_id=run.id,
        identity=identity,
    )


def _require_data(_connection: Connection, run: RunRow, folder: RunFolder) -> None:
    if not folder.training_data.is_file() or not folder.recipe.is_file():
        raise WorkflowError(
            f"training run {run.id} has no training data in {folder.root}", code="no_training_data"
        )


def _mark_cancelled(connection: Connection, run: RunRow, now: datetime, cancelled_by: str) -> None:
    error = f"cancelled by {cancelled_by}"
    store.finish_run(connection, run.id, "cancelled", finished_at=now, by=cancelled_by, error=error)


def _advice(run: RunRow) -> str:
    if run.status == "succeeded":
        return "plan another run"
    if run.status == "draft":
        return "the daemon plans it, unless a check refuses it: see its page"
    return (
        f"resume it on its page, or by `driftwarden retrain resume {run.id}`, or plan another run"
    )


RUNS: ChildLifecycle[RunRow] = ChildLifecycle(
    task="train",
    noun="training run",
    table=TrainingRun,
    row_by_id=lambda connection, run_id, lock: store.run_by_id(connection, run_id, lock=lock),
    running=partial(store.list_runs, statuses=("running",)),
    to_terminate=store.runs_to_terminate,
    prepare=_require_data,
    mark_running=store.mark_running,
    mark_cancelled=_mark_cancelled,
    advice=_advice,
)
#: Raises a WorkflowError, too, where the run is not prepared.
start_run = RUNS.start
