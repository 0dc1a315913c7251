"""Training runs: a row first, then the child; whoever comes later finds both and goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine

from monitor.errors import (
    DatabaseUnavailableError,
    DriftwardenError,
    TrainingError,
    WorkflowError,
)
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.training import registry as versions
from monitor.store.training import runs as store
from monitor.store.training.runs import RunRow
from monitor.telemetry import get_logger
from retrain.data import TrainingSet
from retrain.jobs.child_result import describe_exit, read_result
from retrain.jobs.launcher import Launcher, LauncherSource
from retrain.jobs.progress import last_progress, progress_record
from retrain.planning.starting_point import version_started_from
from retrain.recipes.recipe import Recipe
from retrain.registry.stages import register_version
from retrain.run_folder import RunFolder, write_json
from retrain.training.resumption import resume_child

log = get_logger(__name__)


@dataclass(frozen=True)
class RunState:
    """A run as it stands, with what the child last reported."""

    run: RunRow
    #: Step, steps, loss and tokens/s; empty before the first step.
    progress: Mapping[str, Any]
    #: The version that a successful run registered.
    version_id: int | None
    #: Why the child waits for a machine; empty where it doesn't.
    waits: str = ""


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
    """Write a run down before anything is done for it; one decision gets one run.

    Returns:
        The run's id; that of the run which the decision already has, where there is one.
    """
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
    store.set_work_dir(connection, run_id, str(work_dir.resolve() / f"run-{run_id:05d}"))
    append_entry(
        connection,
        now,
        planned_by,
        "run.planned",
        f"training_runs/{run_id}",
        {"model": model, "method": recipe.method},
    )
    return run_id


def prepare_run(
    connection: Connection,
    run_id: int,
    training_set: TrainingSet,
) -> RunFolder:
    """Write what the child reads into a planned run's folder. Repeating it changes nothing.

    Args:
        connection: Inside the caller's transaction.
        run_id: The planned run.
        training_set: What it trains on.
    """
    run = store.run_by_id(connection, run_id)
    folder = RunFolder(Path(run.work_dir))
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        write_json(folder.recipe, run.recipe)
        # Last: a run counts as prepared once its training data is there.
        training_set.write(folder)
    except OSError as error:
        raise TrainingError(f"{folder.root}: can't be written: {error}") from error
    return folder


def start_run(
    engine: Engine,
    run_id: int,
    launcher: Launcher,
    now: datetime,
    *,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Start the child of a prepared run, or adopt the one that a dead process has started.

    Raises:
        WorkflowError: The run has ended, or was never prepared.
    """
    with transaction(engine) as connection:
        # Held until the handle is stored: two daemons must not start two children.
        run = store.run_by_id(connection, run_id, lock=True)
        if run.status == "running":
            return
        if run.status != "planned":
            raise WorkflowError(_not_startable(run))
        folder = RunFolder(Path(run.work_dir))
        if not folder.training_data.is_file() or not folder.recipe.is_file():
            raise WorkflowError(f"training run {run_id} has no training data in {folder.root}")
        handle = launcher.submit(folder, dict(environment or {}))
        store.mark_running(connection, run_id, handle, now)


def poll_run(
    engine: Engine, run_id: int, launcher: Launcher, now: datetime, *, resumptions: int = 0
) -> RunState:
    """Look at a run's child; when it has ended, end the run and register what it made.

    Works the same in a daemon that was started after the child. What is to be seen of the run is
    kept in its row.

    Args:
        engine: The database.
        run_id: The run.
        launcher: The run's.
        now: The time.
        resumptions: How often a child that ended without a result goes on from its checkpoint.
    """
    with transaction(engine) as connection:
        run = store.run_by_id(connection, run_id)
        known = versions.version_of_run(connection, run_id)
    folder = RunFolder(Path(run.work_dir))
    if run.status != "running" or run.handle is None:
        return RunState(run, last_progress(folder), known.id if known else None)
    # The order counts: a child that ends in between has written its result by then.
    status = launcher.status(run.handle)
    result = read_result(folder, "train")
    waits = launcher.explain(folder) if status == "pending" else ""
    record = progress_record(folder, launcher, waits)
    with transaction(engine) as connection:
        store.save_progress(connection, run_id, record)
    if result is None and status == "gone":
        result = _started_again_or_failed(engine, run, launcher, now, resumptions)
    if result is None:
        with transaction(engine) as connection:
            run = store.run_by_id(connection, run_id)
        return RunState(run, record["last"], None, waits)
    with transaction(engine) as connection:
        version_id = _finish(connection, run, result, now)
        run = store.run_by_id(connection, run_id)
    return RunState(run, last_progress(folder), version_id)


def poll_running(
    engine: Engine, launcher_of: LauncherSource, now: datetime, *, resumptions: int = 0
) -> list[RunState]:
    """Poll every run that is under way: what a daemon does at its start and then regularly.

    A run that can't be looked at stays as it is and is left out, for instance since its launcher
    doesn't answer or isn't configured any more; the others are polled.
    """
    with transaction(engine) as connection:
        running = store.list_runs(connection, statuses=("running",))
    states = []
    for run in running:
        try:
            launcher = launcher_of(run.launcher)
            states.append(poll_run(engine, run.id, launcher, now, resumptions=resumptions))
        except DatabaseUnavailableError:
            raise
        except (DriftwardenError, OSError) as error:
            log.warning("nothing is known of a training", run=run.id, error=str(error))
    return states


def _started_again_or_failed(
    engine: Engine, run: RunRow, launcher: Launcher, now: datetime, resumptions: int
) -> dict[str, Any] | None:
    """Start a child again that left no result; return the failure where that can't be done."""
    # Before another attempt, whose log would be asked for.
    error = describe_exit(launcher, RunFolder(Path(run.work_dir)), "train")
    try:
        if resume_child(engine, run, launcher, now, limit=resumptions):
            return None
    except TrainingError as refusal:
        error += f"; it can't be started again: {refusal}"
    return {"status": "failed", "error": error}


def _finish(
    connection: Connection, run: RunRow, result: dict[str, Any], now: datetime
) -> int | None:
    current = store.run_by_id(connection, run.id, lock=True)
    if current.handle != run.handle:
        return None  # another process was first, and another child runs since
    succeeded = result.get("status") == "succeeded"
    ended = store.finish_run(
        connection,
        run.id,
        "succeeded" if succeeded else "failed",
        finished_at=now,
        result=result,
        error=None if succeeded else str(result.get("error") or "the child failed"),
    )
    if not ended or not succeeded:
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
    )


def _not_startable(run: RunRow) -> str:
    hint = (
        "plan another one"
        if run.status == "succeeded"
        else (f"`driftwarden retrain resume {run.id}`, or plan another one")
    )
    return f"training run {run.id} is {run.status}; {hint}"
