"""Queries of the progress of mirroring to another registry."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import RegistryMirror


@dataclass(frozen=True)
class MirrorRow:
    """The progress of mirroring a model."""

    model: str
    n_changes: int
    n_mirrored: int
    attempts: int
    error: str | None
    mirrored_at: datetime | None


_ROWS = select(
    *columns_of(MirrorRow, RegistryMirror),
)


def count_registry_change(connection: Connection, model: str) -> None:
    """Count a change of a model's versions, in its transaction."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    first = {"n_changes": 1, "n_mirrored": 0, "attempts": 0}
    statement = insert(RegistryMirror).values(model=model, **first)
    counted = {"n_changes": RegistryMirror.n_changes + 1}
    connection.execute(
        statement.on_conflict_do_update(index_elements=[RegistryMirror.model], set_=counted)
    )


def due_mirrors(connection: Connection, now: datetime) -> list[MirrorRow]:
    """Return the models with changes to be mirrored now."""
    due = or_(RegistryMirror.next_attempt_at.is_(None), RegistryMirror.next_attempt_at <= now)
    statement = _ROWS.where(RegistryMirror.n_changes != RegistryMirror.n_mirrored, due)
    return read_rows(connection, MirrorRow, statement.order_by(RegistryMirror.model))


def list_mirrors(connection: Connection) -> list[MirrorRow]:
    """Return the progress of all models."""
    return read_rows(connection, MirrorRow, _ROWS.order_by(RegistryMirror.model))


def mark_mirrored(connection: Connection, row: MirrorRow, now: datetime) -> None:
    """Record that the changes counted in the row are mirrored; later ones stay due."""
    connection.execute(
        update(RegistryMirror)
        .where(RegistryMirror.model == row.model)
        .values(
            n_mirrored=row.n_changes, attempts=0, next_attempt_at=None, error=None, mirrored_at=now
        )
    )


def mark_failed(connection: Connection, row: MirrorRow, error: str, next_at: datetime) -> None:
    """Record the error of an attempt and the time of the next one."""
    connection.execute(
        update(RegistryMirror)
        .where(RegistryMirror.model == row.model)
        .values(attempts=row.attempts + 1, next_attempt_at=next_at, error=error)
    )
