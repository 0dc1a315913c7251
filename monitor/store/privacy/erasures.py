"""Queries of the records of erasures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select, update

from monitor.store.rows import columns_of, insert_row, read_rows
from monitor.store.tables import Erasure


@dataclass(frozen=True)
class ErasureRow:
    """An erasure, with what it had to say."""

    id: int
    steps: list[dict[str, str]]
    traces: dict[str, int]
    started_at: datetime
    finished_at: datetime | None


_COLUMNS = columns_of(ErasureRow, Erasure)


def of_end_user(subject_digests: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition for erasures of an end user, by the digests of one of the ids."""
    further = (Erasure.further_digests.contains(f" {digest} ") for digest in subject_digests)
    return or_(Erasure.subject_digest.in_(subject_digests), *further)


def erasures_of(connection: Connection, subject_digests: Sequence[str]) -> list[ErasureRow]:
    """Return the erasures under one of the digests of an end user, the oldest first."""
    statement = select(*_COLUMNS).where(of_end_user(subject_digests))
    return read_rows(connection, ErasureRow, statement.order_by(Erasure.id))


def insert_erasure(
    connection: Connection,
    digests: Sequence[str],
    steps: Sequence[Mapping[str, str]],
    traces: Mapping[str, int],
    now: datetime,
    *,
    proof_until: datetime,
) -> int:
    """Insert an erasure that begins, and return its id; ``digests``: one for each id."""
    values: dict[str, Any] = {
        "subject_digest": digests[0],
        "further_digests": "".join(f" {digest} " for digest in digests[1:]),
        "steps": [dict(step) for step in steps],
        "traces": dict(traces),
        "started_at": now,
        "remains": [],
        "proof_until": proof_until,
    }
    return insert_row(connection, Erasure, **values)


def finish_erasures(connection: Connection, subject_digests: Sequence[str], now: datetime) -> None:
    """Record that all that the erasures of an end user had found was removed."""
    statement = update(Erasure).where(of_end_user(subject_digests), Erasure.finished_at.is_(None))
    connection.execute(statement.values(finished_at=now))
