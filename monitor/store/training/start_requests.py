"""Requests of leads to start or resume a training run, which the leader takes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from monitor.store.rows import update_row
from monitor.store.tables import TrainingRun
from monitor.store.training.children import UNFINISHED


@dataclass(frozen=True)
class StartRequest:
    """A request as it stands in the row of a run."""

    run_id: int
    requested_by: str
    #: The status of the run when it was requested: a run that has changed since is left alone.
    status: str
    requested_at: datetime
    #: Why a run that learned from an erased end user goes on; empty: it does not.
    accept_taint: str = ""
    #: Why the leader refused it; empty: it waits.
    refusal: str = ""


def read_request(run_id: int, stored: dict[str, Any] | None) -> StartRequest | None:
    """Return the request in the column of a run; ``None`` without one."""
    if stored is None:
        return None
    return StartRequest(
        run_id=run_id,
        requested_by=str(stored["by"]),
        status=str(stored["status"]),
        requested_at=datetime.fromisoformat(stored["at"]),
        accept_taint=str(stored.get("accept_taint", "")),
        refusal=str(stored.get("refusal", "")),
    )


def pending_request(run_id: int, status: str, stored: dict[str, Any] | None) -> StartRequest | None:
    """Return the request that the leader still carries out; ``None``: there is none."""
    request = read_request(run_id, stored)
    if request is None or request.refusal or not is_current(request, status):
        return None
    return request


def save_request(connection: Connection, request: StartRequest) -> None:
    """Store a request, instead of an earlier one."""
    stored = {
        "by": request.requested_by,
        "status": request.status,
        "accept_taint": request.accept_taint,
        "refusal": request.refusal,
        "at": request.requested_at.isoformat(),
    }
    _write(connection, request.run_id, stored)


def clear_request(connection: Connection, run_id: int) -> None:
    """Remove the request of a run."""
    _write(connection, run_id, None)


def waiting_requests(connection: Connection) -> list[StartRequest]:
    """Return the requests that the leader hasn't taken, the oldest runs first."""
    statement = (
        select(TrainingRun.id, TrainingRun.start_request)
        .where(TrainingRun.start_request.is_not(None))
        .order_by(TrainingRun.id)
    )
    requests = (read_request(row.id, row.start_request) for row in connection.execute(statement))
    return [request for request in requests if request is not None and not request.refusal]


def is_current(request: StartRequest, status: str) -> bool:
    """Return whether a run may still be started by a request.

    A run that the leader reopened, and died before starting it, is planned meanwhile.
    """
    return status == request.status or (status == "planned" and request.status not in UNFINISHED)


def _write(connection: Connection, run_id: int, stored: dict[str, Any] | None) -> None:
    update_row(connection, TrainingRun, run_id, start_request=stored)
