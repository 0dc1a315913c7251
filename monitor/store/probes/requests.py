"""Queries of the requests of probe runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, cast, func, insert, select, update

from monitor.store.rows import columns_of, read_rows, update_row
from monitor.store.tables import Probe, ProbeRun


@dataclass(frozen=True)
class ProbeRow:
    """A request of a run."""

    id: int
    run_id: int
    version_id: int | None
    kind: str
    item: str
    pass_number: int
    status: str
    attempts: int
    at: datetime | None
    response: str | None
    passed: bool | None
    served_model: str | None
    latency_seconds: float | None
    error: str | None


@dataclass(frozen=True)
class Passed:
    """How many responses of a version met the requirement of their item."""

    kind: str
    n: int
    n_passed: int


_COLUMNS = columns_of(ProbeRow, Probe)


def insert_probes(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the requests of a run, before the first is sent."""
    connection.execute(insert(Probe), [{"status": "pending", "attempts": 0, **r} for r in rows])


def pending_probes(connection: Connection, run_id: int, limit: int) -> list[ProbeRow]:
    """Return the next requests of a run without a response, in their order."""
    statement = (
        select(*_COLUMNS)
        .where(Probe.run_id == run_id, Probe.status == "pending")
        .order_by(Probe.position)
        .limit(limit)
    )
    return read_rows(connection, ProbeRow, statement)


def probes_of(connection: Connection, run_id: int) -> list[ProbeRow]:
    """Return all requests of a run, in their order."""
    statement = select(*_COLUMNS).where(Probe.run_id == run_id).order_by(Probe.position)
    return read_rows(connection, ProbeRow, statement)


def count_probes(connection: Connection, run_id: int) -> dict[str, int]:
    """Return the number of requests of a run by status."""
    statement = (
        select(Probe.status, func.count()).where(Probe.run_id == run_id).group_by(Probe.status)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def mark_sent(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Note that requests are about to be sent."""
    connection.execute(
        update(Probe)
        .where(Probe.id.in_(list(ids)))
        .values(sent_at=now, attempts=Probe.attempts + 1)
    )


def update_probe(connection: Connection, probe_id: int, **columns: Any) -> None:
    """Set columns of a request."""
    update_row(connection, Probe, probe_id, **columns)


def passed_of_version(connection: Connection, version_id: int) -> list[Passed]:
    """Return the responses of a version that had a requirement, by kind.

    Runs whose responses were not the version's, by their verdict, don't count.
    """
    statement = (
        select(Probe.kind, func.count(), func.sum(cast(Probe.passed, Integer)))
        .join(ProbeRun, ProbeRun.id == Probe.run_id)
        .where(
            Probe.version_id == version_id,
            Probe.passed.is_not(None),
            ProbeRun.status == "done",
            ProbeRun.verdict.not_in(("suspected", "changed", "not_arrived")),
        )
        .group_by(Probe.kind)
        .order_by(Probe.kind)
    )
    return [
        Passed(kind, n, int(n_passed or 0)) for kind, n, n_passed in connection.execute(statement)
    ]
