"""Training runs: planned, running, and how they ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from monitor.errors import NotFoundError
from monitor.store.audit_log import SYSTEM
from monitor.store.model_sets import Models, of_models
from monitor.store.rows import columns_of, insert_row, read_row, read_rows, update_row
from monitor.store.tables import TrainingRun
from monitor.store.training import children


@dataclass(frozen=True)
class RunRow:
    """A training run."""

    id: int
    decision_id: int | None
    model: str
    #: ``draft``, ``planned``, ``running``, ``succeeded``, ``failed`` or ``cancelled``.
    status: str
    launcher: str
    handle: dict[str, Any] | None
    recipe: dict[str, Any]
    work_dir: str
    #: What could be tried when it was planned; ``None`` for runs that were planned without.
    plan: dict[str, Any] | None
    #: ``last`` (step, loss, tokens/s), ``losses``, ``validation`` and ``log``.
    progress: dict[str, Any] | None
    #: How often its child was started again after it had died.
    resumptions: int
    #: Who asked on the page to end it.
    cancel_requested_by: str | None
    #: Of a cancelled run: why its child couldn't be ended yet.
    termination_error: str | None
    #: What a lead asked for on the page: :mod:`monitor.store.training.start_requests`.
    start_request: dict[str, Any] | None
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


_COLUMNS = columns_of(RunRow, TrainingRun)


def insert_run(
    connection: Connection,
    *,
    decision_id: int | None,
    model: str,
    launcher: str,
    recipe: dict[str, Any],
    work_dir: str,
    created_at: datetime,
    plan: dict[str, Any] | None = None,
) -> int:
    """Insert a planned run and return its id."""
    return insert_row(
        connection,
        TrainingRun,
        decision_id=decision_id,
        model=model,
        status="planned",
        launcher=launcher,
        recipe=recipe,
        work_dir=work_dir,
        plan=plan,
        created_at=created_at,
    )


def insert_external_run(
    connection: Connection,
    *,
    model: str,
    launcher: str,
    recipe: dict[str, Any],
    result: dict[str, Any],
    now: datetime,
) -> int:
    """Insert a succeeded run of another program and return its id."""
    return insert_row(
        connection,
        TrainingRun,
        model=model,
        status="succeeded",
        launcher=launcher,
        recipe=recipe,
        work_dir="",
        result=result,
        created_at=now,
        finished_at=now,
    )


def run_by_id(connection: Connection, run_id: int, *, lock: bool = False) -> RunRow:
    """Return a run, or ``NotFoundError``; ``lock`` locks its row until the transaction ends."""
    statement = select(*_COLUMNS).where(TrainingRun.id == run_id)
    if lock:
        statement = statement.with_for_update()  # SQLite's transactions are exclusive anyway
    row = read_row(connection, RunRow, statement)
    if row is None:
        raise NotFoundError(
            f"no training run with id {run_id}; see the page Training runs, or "
            "`driftwarden retrain list`",
            code="unknown_run",
        )
    return row


def run_of_decision(connection: Connection, decision_id: int) -> RunRow | None:
    """Return the run that follows a decision."""
    statement = select(*_COLUMNS).where(TrainingRun.decision_id == decision_id)
    return read_row(connection, RunRow, statement)


def list_runs(
    connection: Connection,
    *,
    statuses: tuple[str, ...] = (),
    model: Models = None,
    limit: int = 100,
) -> list[RunRow]:
    """Return runs, the newest first."""
    statement = select(*_COLUMNS).order_by(TrainingRun.id.desc()).limit(limit)
    statement = statement.where(*of_models(TrainingRun.model, model))
    if statuses:
        statement = statement.where(TrainingRun.status.in_(statuses))
    return read_rows(connection, RunRow, statement)


def set_work_dir(connection: Connection, run_id: int, work_dir: str) -> None:
    """Set the folder of a run, which carries its id."""
    update_row(connection, TrainingRun, run_id, work_dir=work_dir)


def set_decision(connection: Connection, run_id: int, decision_id: int) -> None:
    """Set the decision that a run follows, which has no other run."""
    update_row(connection, TrainingRun, run_id, decision_id=decision_id)


def mark_running(
    connection: Connection, run_id: int, handle: dict[str, Any], started_at: datetime
) -> bool:
    """Start a planned run and store its child's handle; return whether this call did it."""
    return children.advance(
        connection, TrainingRun, run_id, "start", started_at, handle=handle, started_at=started_at
    )


def mark_resumed(
    connection: Connection, run_id: int, handle: dict[str, Any], now: datetime, *, limit: int
) -> bool:
    """Store the handle of a running run's new child; return whether this call did it."""
    times = run_by_id(connection, run_id).resumptions + 1
    return children.advance(
        connection,
        TrainingRun,
        run_id,
        "resume",
        now,
        details={"times": times, "of": limit},
        handle=handle,
        resumptions=times,
    )


def reopen_run(
    connection: Connection, run_id: int, now: datetime, *, by: str, from_step: int
) -> bool:
    """Plan a failed or cancelled run again; return whether this call did it."""
    return children.advance(
        connection,
        TrainingRun,
        run_id,
        "reopen",
        now,
        by=by,
        details={"from_step": from_step},
        handle=None,
        result=None,
        error=None,
        finished_at=None,
        cancel_requested_by=None,
        resumptions=0,
    )


def save_progress(connection: Connection, run_id: int, progress: dict[str, Any]) -> None:
    """Keep what is to be seen of a run."""
    update_row(connection, TrainingRun, run_id, progress=progress)


def request_cancel(connection: Connection, run_id: int, requested_by: str) -> bool:
    """Note who wants a run ended; return whether it can still be, and nobody had asked."""
    statement = (
        update(TrainingRun)
        .where(
            TrainingRun.id == run_id,
            TrainingRun.status.not_in(children.FINAL),
            TrainingRun.cancel_requested_by.is_(None),
        )
        .values(cancel_requested_by=requested_by, start_request=None)
    )
    return connection.execute(statement).rowcount == 1


def runs_to_cancel(connection: Connection) -> list[RunRow]:
    """Return the runs that somebody wants ended and that haven't."""
    statement = (
        select(*_COLUMNS)
        .where(
            TrainingRun.cancel_requested_by.is_not(None), TrainingRun.status.not_in(children.FINAL)
        )
        .order_by(TrainingRun.id)
    )
    return read_rows(connection, RunRow, statement)


def runs_to_terminate(connection: Connection) -> list[RunRow]:
    """Return the cancelled runs whose child couldn't be ended yet."""
    statement = (
        select(*_COLUMNS).where(TrainingRun.termination_error.is_not(None)).order_by(TrainingRun.id)
    )
    return read_rows(connection, RunRow, statement)


def finish_run(
    connection: Connection,
    run_id: int,
    status: str,
    *,
    finished_at: datetime,
    by: str = SYSTEM,
    result: dict[str, Any] | None = None,
    error: str | None = None,
) -> bool:
    """Finish a run with a final status; return whether this call did it."""
    return children.finish(
        connection, TrainingRun, run_id, status, finished_at, by=by, result=result, error=error
    )
