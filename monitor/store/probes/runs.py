"""Queries of probe sets and of probe runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select, update

from monitor.errors import NotFoundError
from monitor.store.rows import columns_of, insert_row, read_row, read_rows, update_row
from monitor.store.tables import ModelVersion, Probe, ProbeRun, ProbeSet


@dataclass(frozen=True)
class ProbeSetRow:
    """The prompts that a model is probed with, and their form."""

    id: int
    model: str
    digest: str
    form_digest: str
    form: dict[str, Any]
    items: list[Any]
    created_at: datetime


@dataclass(frozen=True)
class ProbeRunRow:
    """A run of a probe set against a live endpoint."""

    id: int
    model: str
    role: str
    version_id: int | None
    version: int | None
    set_id: int
    purpose: str
    due_at: datetime
    serving_since: datetime | None
    status: str
    attempts: int
    next_attempt_at: datetime
    claimed_by: str | None
    claimed_until: datetime | None
    error: str | None
    verdict: str | None
    is_reference: bool
    change: float | None
    threshold: float | None
    comparison: dict[str, Any] | None
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    accepted_by: str | None
    accepted_reason: str | None
    accepted_at: datetime | None

    @property
    def differences(self) -> list[Any]:
        """The items that differ most from the reference."""
        return list((self.comparison or {}).get("differences", ()))


_SET_COLUMNS = columns_of(ProbeSetRow, ProbeSet)
_COLUMNS = columns_of(ProbeRunRow, ProbeRun, version=ModelVersion.version)
_RUNS = select(*_COLUMNS).join(ModelVersion, ModelVersion.id == ProbeRun.version_id, isouter=True)


def newest_set(connection: Connection, model: str) -> ProbeSetRow | None:
    """Return the newest probe set of a model."""
    statement = (
        select(*_SET_COLUMNS).where(ProbeSet.model == model).order_by(ProbeSet.id.desc()).limit(1)
    )
    return read_row(connection, ProbeSetRow, statement)


def set_by_id(connection: Connection, set_id: int) -> ProbeSetRow:
    """Return a probe set."""
    return ProbeSetRow(
        *connection.execute(select(*_SET_COLUMNS).where(ProbeSet.id == set_id)).one()
    )


def insert_set(  # noqa: PLR0917 - the columns of a set
    connection: Connection,
    model: str,
    digest: str,
    form_digest: str,
    form: dict[str, Any],
    items: Sequence[dict[str, Any]],
    now: datetime,
) -> ProbeSetRow:
    """Insert a probe set, or return the one of the same digest."""
    known = read_row(
        connection,
        ProbeSetRow,
        select(*_SET_COLUMNS).where(ProbeSet.model == model, ProbeSet.digest == digest),
    )
    if known is not None:
        return known
    set_id = insert_row(
        connection,
        ProbeSet,
        model=model,
        digest=digest,
        form_digest=form_digest,
        form=form,
        items=list(items),
        created_at=now,
    )
    return set_by_id(connection, set_id)


def insert_run(connection: Connection, **columns: Any) -> int:
    """Insert a run and return its id."""
    return insert_row(
        connection, ProbeRun, status="running", attempts=0, is_reference=False, **columns
    )


def run_by_id(connection: Connection, run_id: int, *, lock: bool = False) -> ProbeRunRow:
    """Return a run, or ``NotFoundError``; ``lock`` locks its row until the transaction ends."""
    statement = _RUNS.where(ProbeRun.id == run_id)
    if lock:
        statement = statement.with_for_update(of=ProbeRun.__table__)
    row = read_row(connection, ProbeRunRow, statement)
    if row is None:
        raise NotFoundError(f"unknown probe run: {run_id}; see `driftwarden probes status`")
    return row


def open_run(connection: Connection, model: str, role: str) -> ProbeRunRow | None:
    """Return the unfinished run of a model and role."""
    statement = _RUNS.where(
        ProbeRun.model == model, ProbeRun.role == role, ProbeRun.finished_at.is_(None)
    )
    return read_row(connection, ProbeRunRow, statement)


def recent_runs(
    connection: Connection,
    model: str,
    *,
    role: str | None = None,
    version_id: int | None = None,
    statuses: Sequence[str] = (),
    limit: int = 1,
) -> list[ProbeRunRow]:
    """Return finished runs of a model, the newest first."""
    statement = _RUNS.where(ProbeRun.model == model, ProbeRun.finished_at.is_not(None))
    if role is not None:
        statement = statement.where(ProbeRun.role == role)
    if version_id is not None:
        statement = statement.where(ProbeRun.version_id == version_id)
    if statuses:
        statement = statement.where(ProbeRun.status.in_(statuses))
    return read_rows(connection, ProbeRunRow, statement.order_by(ProbeRun.id.desc()).limit(limit))


def reference_runs(connection: Connection, model: str, set_id: int) -> list[ProbeRunRow]:
    """Return the reference runs of all versions of a model with a set, the oldest first."""
    statement = _RUNS.where(
        ProbeRun.model == model, ProbeRun.set_id == set_id, ProbeRun.is_reference.is_(True)
    )
    return read_rows(connection, ProbeRunRow, statement.order_by(ProbeRun.id))


def update_run(connection: Connection, run_id: int, **columns: Any) -> None:
    """Set columns of a run."""
    update_row(connection, ProbeRun, run_id, **columns)


def drop_reference(connection: Connection, model: str, version_id: int | None) -> int:
    """Take the mark of a reference from the runs of a version; return their number."""
    same = (
        ProbeRun.version_id.is_(None) if version_id is None else ProbeRun.version_id == version_id
    )
    statement = update(ProbeRun).where(
        ProbeRun.model == model, same, ProbeRun.is_reference.is_(True)
    )
    return connection.execute(statement.values(is_reference=False)).rowcount


def claim_run(
    connection: Connection, run_id: int, holder: str, now: datetime, until: datetime
) -> bool:
    """Reserve a run for a process; return whether no other one has it."""
    statement = (
        update(ProbeRun)
        .where(
            ProbeRun.id == run_id,
            ProbeRun.finished_at.is_(None),
            or_(
                ProbeRun.claimed_by.is_(None),
                ProbeRun.claimed_by == holder,
                ProbeRun.claimed_until < now,
            ),
        )
        .values(claimed_by=holder, claimed_until=until)
    )
    return connection.execute(statement).rowcount == 1


def release_run(connection: Connection, run_id: int, holder: str) -> None:
    """Give a claimed run back."""
    connection.execute(
        update(ProbeRun)
        .where(ProbeRun.id == run_id, ProbeRun.claimed_by == holder)
        .values(claimed_by=None, claimed_until=None)
    )


def erase_responses(connection: Connection, before: datetime, limit: int) -> int:
    """Erase the responses of old runs that are no reference; return the number erased.

    Figures, results and latencies stay.
    """
    old = (
        select(Probe.id)
        .join(ProbeRun, ProbeRun.id == Probe.run_id)
        .where(
            ProbeRun.finished_at < before,
            ProbeRun.is_reference.is_(False),
            Probe.response.is_not(None),
        )
        .limit(limit)
    )
    ids = list(connection.execute(old).scalars())
    connection.execute(update(Probe).where(Probe.id.in_(ids)).values(response=None))
    if len(ids) < limit:
        quoting = select(ProbeRun.id, ProbeRun.comparison).where(
            ProbeRun.finished_at < before, ProbeRun.comparison.is_not(None)
        )
        for run_id, comparison in connection.execute(quoting).all():
            if comparison.get("differences"):
                update_run(connection, run_id, comparison={**comparison, "differences": []})
    return len(ids)
