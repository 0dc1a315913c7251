"""Cancellation of training runs."""

from datetime import datetime

from sqlalchemy import Engine

from monitor.errors import DatabaseUnavailableError, DriftwardenError
from monitor.store.engine import transaction
from monitor.store.training import runs as store
from monitor.store.training.runs import RunRow
from monitor.telemetry import get_logger
from retrain.jobs.launcher import LauncherSource
from retrain.training.runs import RUNS

log = get_logger(__name__)


cancel_run = RUNS.cancel
stop_children = RUNS.terminate_all


def cancel_requested(engine: Engine, launcher_of: LauncherSource, now: datetime) -> list[RunRow]:
    """Cancel the runs with a cancellation request from the page; return these runs.

    A run is skipped, and retried next time, if its launcher's service is unavailable or no longer
    configured.
    """
    with transaction(engine) as connection:
        requested = store.runs_to_cancel(connection)
    cancelled = []
    for run in requested:
        try:
            launcher = launcher_of(run.launcher)
            cancel_run(engine, run.id, launcher, now, cancelled_by=str(run.cancel_requested_by))
        except DatabaseUnavailableError:
            raise
        except DriftwardenError as error:
            log.warning("run_not_cancelled", run=run.id, error=str(error))
            continue
        cancelled.append(run)
    return cancelled
