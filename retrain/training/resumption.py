"""Runs whose child died go on from its checkpoint: by themselves a few times, or when asked."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from monitor.errors import WorkflowError
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.training import runs as store
from monitor.store.training.runs import RunRow
from retrain.jobs.launcher import Launcher, require_resume
from retrain.run_folder import RunFolder

#: Statuses from which a run can be taken up again.
ENDED_EARLY = ("failed", "cancelled")


def resume_child(
    engine: Engine, run: RunRow, launcher: Launcher, now: datetime, limit: int
) -> bool:
    """Start a child again that ended without a result, unless somebody wanted it to end.

    Args:
        engine: The database.
        run: As it was when its child was found gone.
        launcher: The run's.
        now: The time.
        limit: How often that may be done for a run.

    Returns:
        Whether the run goes on; otherwise the caller ends it.

    Raises:
        TrainingError: The child can't be started, and trying again wouldn't help.
        RemoteServiceError: Who would run it doesn't answer.
    """
    if run.resumptions >= limit or not launcher.capabilities.resume.able:
        return False
    with transaction(engine) as connection:
        # Held until the handle is stored: two daemons must not start two children.
        current = store.run_by_id(connection, run.id, lock=True)
        if current.status != "running" or current.handle != run.handle:
            return True  # another process was first
        if current.cancel_requested_by is not None:
            return False
        handle = launcher.submit(RunFolder(Path(run.work_dir)), {})
        store.mark_resumed(connection, run.id, handle)
        append_entry(
            connection,
            now,
            "driftwarden",
            "run.resumed",
            f"training_runs/{run.id}",
            {"times": current.resumptions + 1, "of": limit},
        )
    return True


def reopen(
    engine: Engine, run_id: int, launcher: Launcher, now: datetime, *, resumed_by: str
) -> int:
    """Take a run that failed or was cancelled back to where it can be started.

    Its child then goes on from the last checkpoint, and ends with the adapter that it would have
    ended with.

    Returns:
        The step of that checkpoint; 0: there is none, it begins anew.

    Raises:
        WorkflowError: The run can't be taken up, or its launcher can't resume.
    """
    require_resume(launcher)
    with transaction(engine) as connection:
        run = store.run_by_id(connection, run_id, lock=True)
        if run.status not in ENDED_EARLY:
            raise WorkflowError(
                f"training run {run_id} is {run.status}; only one that failed or was cancelled "
                "can be resumed"
            )
        if run.termination_error is not None:  # two children in one folder would spoil each other's
            raise WorkflowError(
                f"training run {run_id} was cancelled and its child couldn't be ended yet: "
                f"{run.termination_error}. `driftwarden retrain cancel {run_id}` tries again; then "
                "it can be resumed"
            )
        folder = RunFolder(Path(run.work_dir))
        if not folder.training_data.is_file():
            raise WorkflowError(
                f"training run {run_id} ended before its data was written; plan another one"
            )
        # Before the row: what a launcher finds here it would take for the outcome.
        folder.result.unlink(missing_ok=True)
        store.reopen_run(connection, run_id)
        step = last_step(folder)
        append_entry(
            connection,
            now,
            resumed_by,
            "run.resumed",
            f"training_runs/{run_id}",
            {"from_step": step, "was": run.status},
        )
    return step


def last_step(folder: RunFolder) -> int:
    """Return the step of the last whole checkpoint; 0: there is none."""
    checkpoint = folder.last_checkpoint()
    return 0 if checkpoint is None else int(checkpoint.name.rpartition("-")[2])
