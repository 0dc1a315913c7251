"""Starts and resumptions that leads request on the page, with the checks of the commands."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor.errors import DatabaseUnavailableError, DriftwardenError, TransientError, WorkflowError
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.training.runs import RunRow, run_by_id
from monitor.store.training.start_requests import (
    StartRequest,
    clear_request,
    is_current,
    pending_request,
    save_request,
)
from monitor.telemetry import get_logger
from retrain.jobs.launcher import LauncherSource
from retrain.registry.taints import require_untainted_run
from retrain.training.resumption import RESUMABLE, reopen, resume_refusal
from retrain.training.runs import start_run

#: Statuses from which a run can be started on the page.
STARTABLE = ("planned", *RESUMABLE)

log = get_logger(__name__)


def request_start(
    connection: Connection, run_id: int, now: datetime, *, by: str, accept_taint: str = ""
) -> None:
    """Request that the leader starts a planned run, or resumes a failed or cancelled one.

    What the database knows is checked now; the leader, on whose machine the folder and the launcher
    are, checks all of it again.

    ``accept_taint`` is why a run that learned from an erased end user goes on; empty: it does not.

    Raises:
        NotFoundError: There is no such run.
        WorkflowError: It can't be started, or is tainted and there is no reason.
    """
    run = run_by_id(connection, run_id, lock=True)
    if pending_request(run_id, run.status, run.start_request) is not None:
        return  # a second press
    require_startable(connection, run)
    if not accept_taint.strip():
        require_untainted_run(connection, run, now, by=by, accept="")
    request = StartRequest(run_id, by, run.status, now, accept_taint.strip())
    save_request(connection, request)
    details = {"status": run.status, "accept_taint": request.accept_taint}
    append_entry(connection, now, by, "run.start_requested", f"training_runs/{run_id}", details)


def require_startable(connection: Connection, run: RunRow) -> None:
    """Require a run that can be started or resumed; ``WorkflowError`` says why not."""
    if run.status not in STARTABLE:
        raise WorkflowError(
            f"training run {run.id} is {run.status}; only a planned run can be started, and only "
            "a failed or cancelled one resumed",
            code="not_startable",
        )
    if run.status != "planned":
        refusal = resume_refusal(connection, run)
        if refusal:
            raise WorkflowError(refusal, code="not_resumable")
    elif run.cancel_requested_by is not None:
        raise WorkflowError(
            f"{run.cancel_requested_by} requested the cancellation of training run {run.id}",
            code="cancel_requested",
        )
    elif run.decision_id is not None:
        raise WorkflowError(
            f"training run {run.id} follows decision {run.decision_id}; it starts by itself",
            code="starts_by_itself",
        )


def start_requested(
    engine: Engine, request: StartRequest, launcher_of: LauncherSource, now: datetime
) -> bool:
    """Start or resume a run as requested; return whether its child was started.

    A request that is refused stays in the row with the reason. One whose launcher's service is
    unavailable waits.

    Raises:
        DatabaseUnavailableError: Nothing can be read or stored.
    """
    with transaction(engine) as connection:
        run = run_by_id(connection, request.run_id)
        if not is_current(request, run.status):
            clear_request(connection, run.id)
            return False
    try:
        launcher = launcher_of(run.launcher)
        if run.status in RESUMABLE:
            reopen(
                engine,
                run.id,
                launcher,
                now,
                resumed_by=request.requested_by,
                accept_taint=request.accept_taint,
            )
        start_run(engine, run.id, launcher, now)
    except DatabaseUnavailableError:
        raise
    except TransientError as error:
        log.warning("training_run_start_postponed", run=run.id, error=str(error))
        return False
    except DriftwardenError as error:
        log.error("training_run_start_refused", run=run.id, code=error.code, error=str(error))  # noqa: TRY400
        with transaction(engine) as connection:
            save_request(connection, replace(request, refusal=str(error)))
        return False
    with transaction(engine) as connection:
        clear_request(connection, run.id)
    log.info("training_run_started", run=run.id, by=request.requested_by)
    return True
