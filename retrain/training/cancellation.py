"""Runs are cancelled: first the row, then the child, tried again until it could be ended."""

from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine

from monitor.errors import DatabaseUnavailableError, DriftwardenError, WorkflowError
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.training import runs as store
from monitor.store.training.runs import FINAL, RunRow
from monitor.telemetry import get_logger
from retrain.jobs.cancelled_children import JUST_CANCELLED, CancelledChildren, child_to_stop
from retrain.jobs.launcher import Launcher, LauncherSource
from retrain.run_folder import RunFolder

log = get_logger(__name__)

LEFT = CancelledChildren(
    "training",
    partial(store.run_by_id, lock=True),
    store.runs_to_terminate,
    store.set_termination_error,
)


def cancel_run(
    engine: Engine, run_id: int, launcher: Launcher, now: datetime, *, cancelled_by: str
) -> str | None:
    """Cancel a run and end its child; of one that is cancelled, try again to end its child.

    Returns:
        Why the child couldn't be ended yet: :func:`stop_children` tries again. ``None``: it was, or
        there is none.

    Raises:
        WorkflowError: The run has already ended, and no child of it is left.
        RemoteServiceError: Who runs the child doesn't answer; nothing was changed.
    """
    launcher.check()
    with transaction(engine) as connection:
        run = store.run_by_id(connection, run_id, lock=True)
        if run.status not in FINAL:
            _cancel_row(connection, run, launcher, now, cancelled_by)
            run = store.run_by_id(connection, run_id)
        elif run.termination_error is None:
            raise WorkflowError(f"training run {run_id} is {run.status} already")
    return LEFT.end(engine, run, lambda _name: launcher)


def cancel_requested(engine: Engine, launcher_of: LauncherSource, now: datetime) -> list[RunRow]:
    """Cancel the runs that people asked on the page to end; return them.

    A run whose launcher doesn't answer, or isn't configured any more, is left out, and tried again
    next time.
    """
    with transaction(engine) as connection:
        asked = store.runs_to_cancel(connection)
    ended = []
    for run in asked:
        try:
            launcher = launcher_of(run.launcher)
            cancel_run(engine, run.id, launcher, now, cancelled_by=str(run.cancel_requested_by))
        except DatabaseUnavailableError:
            raise
        except DriftwardenError as error:
            log.warning("a training can't be ended yet", run=run.id, error=str(error))
            continue
        ended.append(run)
    return ended


def stop_children(engine: Engine, launcher_of: LauncherSource) -> None:
    """Try again to end the children of cancelled runs that couldn't be ended."""
    LEFT.end_all(engine, launcher_of)


def _cancel_row(
    connection: Connection, run: RunRow, launcher: Launcher, now: datetime, cancelled_by: str
) -> None:
    """Cancel the row before its child: should this process die now, the child's result is ignored.

    What is left to do stands in the row too.
    """
    handle = child_to_stop(launcher, RunFolder(Path(run.work_dir)), run.handle, "train")
    error = f"cancelled by {cancelled_by}"
    store.finish_run(connection, run.id, "cancelled", finished_at=now, error=error)
    if handle is not None:
        store.record_unterminated_child(connection, run.id, handle, JUST_CANCELLED)
    append_entry(connection, now, cancelled_by, "run.cancelled", f"training_runs/{run.id}", {})
