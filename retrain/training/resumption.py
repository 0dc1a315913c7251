"""Resumption of training runs from their last checkpoint."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from monitor.errors import WorkflowError
from monitor.store.engine import transaction
from monitor.store.review.decision_states import decision_state
from monitor.store.training import runs as store
from monitor.store.training.plan_requests import decision_id_of, is_unplanned
from monitor.store.training.runs import RunRow
from retrain.jobs.launcher import Launcher, require_resume
from retrain.registry.taints import require_untainted_run
from retrain.run_folder import RunFolder

#: Statuses from which a run can be reopened.
RESUMABLE = ("failed", "cancelled")
#: Codes of failures that the same data and recipe repeat.
REPEATED = frozenset({"checks", "diverged"})


def resume_child(
    engine: Engine, run: RunRow, launcher: Launcher, now: datetime, limit: int
) -> bool:
    """Restart a lost child, unless a cancellation of its run was requested.

    A run is resumed at most ``limit`` times. Return whether it continues; otherwise the caller
    finishes it.

    Raises:
        TrainingError: The child can't be started; a retry would not help.
        WorkflowError: The run learned from an end user who was erased since.
        RemoteServiceError: The launcher's service is unavailable.
    """
    if run.resumptions >= limit or not launcher.capabilities.resume.able:
        return False
    with transaction(engine) as connection:
        # Lock the row until the handle is stored, so that two daemons don't start two children.
        current = store.run_by_id(connection, run.id, lock=True)
        if current.status != "running" or current.handle != run.handle:
            return True  # another process has resumed it
        if current.cancel_requested_by is not None:
            return False
        require_untainted_run(connection, current, now, by="driftwarden", accept="")
        handle = launcher.submit(RunFolder(Path(run.work_dir)), {})
        store.mark_resumed(connection, run.id, handle, now, limit=limit)
    return True


def reopen(
    engine: Engine,
    run_id: int,
    launcher: Launcher,
    now: datetime,
    *,
    resumed_by: str,
    accept_taint: str = "",
) -> int:
    """Plan a failed or cancelled run again; return the step of its checkpoint, 0 without one.

    The child then continues from the last checkpoint and makes the same adapter as an uninterrupted
    run.

    ``accept_taint`` is why a run that learned from an erased end user goes on; empty: it does not.

    Raises:
        WorkflowError: The run can't be reopened, learned from an erased end user, or its launcher
            can't resume.
    """
    require_resume(launcher)
    with transaction(engine) as connection:
        run = store.run_by_id(connection, run_id, lock=True)
        require_resumable(connection, run)
        folder = RunFolder(Path(run.work_dir))
        if not folder.training_data.is_file():
            raise WorkflowError(
                f"training run {run_id} ended before its data was written; plan another run",
                code="no_training_data",
            )
        require_untainted_run(connection, run, now, by=resumed_by, accept=accept_taint)
        # Delete the old result before the row changes: a launcher would read it as the outcome.
        folder.result.unlink(missing_ok=True)
        step = last_step(folder)
        store.reopen_run(connection, run_id, now, by=resumed_by, from_step=step)
    return step


def require_resumable(connection: Connection, run: RunRow) -> None:
    """Require that a run and its child ended without success, and that its decision is open.

    Raises:
        WorkflowError: It didn't.
    """
    if run.status not in RESUMABLE:
        raise WorkflowError(
            f"training run {run.id} is {run.status}; only a failed or cancelled run can be resumed",
            code="not_failed",
        )
    if run.termination_error is not None:  # two children would corrupt the folder
        raise WorkflowError(
            f"training run {run.id} was cancelled, but its child still runs: "
            f"{run.termination_error}; run `driftwarden retrain cancel {run.id}` to terminate "
            "the child, then resume the run",
            code="child_running",
        )
    decision_id = decision_id_of(run)
    if decision_id is not None:
        state = decision_state(connection, decision_id, run.model)
        if not state.is_open:
            raise WorkflowError(f"decision {decision_id} is {state.clause}", code=state.kind)


def resume_refusal(connection: Connection, run: RunRow) -> str:
    """Return why a run can't be resumed, as far as this machine knows; empty: it may be.

    A run that never started has data only where its folder is here; a run whose checks refused it,
    or whose training diverged, would end the same way.
    """
    try:
        require_resumable(connection, run)
    except WorkflowError as error:
        return str(error)
    if is_unplanned(run):  # its folder may hold the data of an earlier plan
        return f"training run {run.id} ended before it was planned; plan it again"
    if run.started_at is None and not RunFolder(Path(run.work_dir)).training_data.is_file():
        return f"training run {run.id} ended before its data was written; plan it again"
    if (run.result or {}).get("code") in REPEATED:
        return f"training run {run.id} would end the same way; plan it again"
    return ""


def last_step(folder: RunFolder) -> int:
    """Return the step of the last complete checkpoint; 0 if there is none."""
    checkpoint = folder.last_checkpoint()
    return 0 if checkpoint is None else int(checkpoint.name.rpartition("-")[2])
