"""Queries of taints: runs and versions whose weights learned from an erased end user."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, insert, select

from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import Taint

#: How the weights learned: from the exchanges, or by going on from weights that had.
Cause = Literal["trained_on", "continued"]


@dataclass(frozen=True)
class TaintRow:
    """A taint of a run or of a version."""

    erasure_id: int
    model: str
    run_id: int | None
    version_id: int | None
    cause: str
    tainted_at: datetime


_COLUMNS = columns_of(TaintRow, Taint)


def taints_of_run(connection: Connection, run_id: int) -> list[TaintRow]:
    """Return the taints of a training run, the oldest first."""
    return _taints(connection, Taint.run_id == run_id)


def taints_of_version(
    connection: Connection, version_id: int, training_run_id: int | None
) -> list[TaintRow]:
    """Return the taints of a version and of the run that trained it, the oldest first."""
    condition = Taint.version_id == version_id
    if training_run_id is not None:
        condition |= Taint.run_id == training_run_id
    return _taints(connection, condition)


def taints_of_erasures(connection: Connection, erasures: Iterable[int]) -> list[TaintRow]:
    """Return the taints that erasures wrote or that follow from theirs, the oldest first."""
    return _taints(connection, Taint.erasure_id.in_(list(erasures)))


def tainted_runs(connection: Connection) -> list[TaintRow]:
    """Return the taints of all runs, the oldest first."""
    return _taints(connection, Taint.run_id.is_not(None))


def add_taint(
    connection: Connection,
    erasure_id: int,
    model: str,
    cause: Cause,
    now: datetime,
    *,
    run_id: int | None = None,
    version_id: int | None = None,
) -> bool:
    """Taint a run or a version; return whether it had no taint of this erasure."""
    known = select(Taint.id).where(
        Taint.erasure_id == erasure_id,
        Taint.run_id == run_id if run_id is not None else Taint.run_id.is_(None),
        Taint.version_id == version_id if version_id is not None else Taint.version_id.is_(None),
    )
    if connection.execute(known).first() is not None:
        return False
    connection.execute(
        insert(Taint).values(
            erasure_id=erasure_id,
            model=model,
            run_id=run_id,
            version_id=version_id,
            cause=cause,
            tainted_at=now,
        )
    )
    return True


def _taints(connection: Connection, condition: ColumnElement[bool]) -> list[TaintRow]:
    return read_rows(connection, TaintRow, select(*_COLUMNS).where(condition).order_by(Taint.id))
