"""Queries of dead letters, which are stored whole so that they can be replayed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from monitor.store.rows import columns_of
from monitor.store.tables import DeadLetter
from monitor.store.traffic.position import Position

#: Dead letters in which names are searched.
NEWEST = 50


@dataclass(frozen=True)
class DeadLetterRow:
    """A record, or a range of records, that could not be processed."""

    position: Position
    key: bytes | None
    #: ``None`` for a record without a value (a tombstone), or one whose value isn't stored.
    value: bytes | None
    #: A short stable code, such as ``invalid_json``.
    reason: str
    detail: str
    inclusion_probability: float
    received_at: datetime
    #: As in an exchange, before decoding.
    randomness: int = 0
    threshold: int = 0
    #: Set for a range of offsets whose records can't be separated.
    last_offset: int | None = None

    @property
    def end(self) -> int:
        """Return the offset after the last one of the dead letter."""
        return (self.position.offset if self.last_offset is None else self.last_offset) + 1


@dataclass(frozen=True)
class DeadLetterSummary:
    """Number, age and newest dead letter of a reason."""

    reason: str
    count: int
    oldest_at: datetime
    newest: DeadLetterRow


#: Columns of the same names.
_FIELDS = tuple(field.name for field in fields(DeadLetterRow) if field.name != "position")
_COLUMNS = (
    DeadLetter.id,
    *columns_of(Position, DeadLetter),
    *(getattr(DeadLetter, name) for name in _FIELDS),
)


def insert_dead_letters(connection: Connection, rows: Sequence[DeadLetterRow]) -> None:
    """Insert dead letters, in the transaction that moves the offsets."""
    if rows:
        connection.execute(insert(DeadLetter), [_values(row) for row in rows])


def restore_dead_letters(
    connection: Connection, rows: Sequence[DeadLetterRow]
) -> list[DeadLetterRow]:
    """Insert dead letters, in place of replayed ones of the same records; return the others."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    position = ["source", "partition", "offset", "record_index"]
    new = []
    for row in rows:
        values = _values(row)
        statement = dialect.insert(DeadLetter).values(values)
        inserted = statement.on_conflict_do_nothing(index_elements=position)
        if connection.execute(inserted.returning(DeadLetter.id)).first():
            new.append(row)
            continue
        connection.execute(
            update(DeadLetter)
            .where(*(getattr(DeadLetter, name) == values[name] for name in position))
            .values(
                {name: values[name] for name in ("key", "value", "reason", "detail")}
                | {"received_at": row.received_at, "replayed_at": None}
            )
        )
    return new


def pending_dead_letters(
    connection: Connection, *, after_id: int = 0, until_id: int | None = None, limit: int = 100
) -> list[tuple[int, DeadLetterRow]]:
    """Return the oldest dead letters that were not replayed, each with its id.

    Their ids are after ``after_id`` and up to ``until_id``; ``None``: up to the newest.
    """
    conditions = [DeadLetter.replayed_at.is_(None), DeadLetter.id > after_id]
    if until_id is not None:
        conditions.append(DeadLetter.id <= until_id)
    statement = select(*_COLUMNS).where(*conditions).order_by(DeadLetter.id).limit(limit)
    return [_with_id(row) for row in connection.execute(statement)]


def last_dead_letter_id(connection: Connection) -> int:
    """Return the highest id of a dead letter; 0 where there is none."""
    return connection.execute(select(func.max(DeadLetter.id))).scalar_one() or 0


def mark_replayed(connection: Connection, dead_letter_id: int, *, now: datetime) -> bool:
    """Mark a dead letter as replayed; return whether this call did."""
    marked = connection.execute(
        update(DeadLetter)
        .where(DeadLetter.id == dead_letter_id, DeadLetter.replayed_at.is_(None))
        .values(replayed_at=now)
    )
    return marked.rowcount == 1


def count_by_reason(connection: Connection) -> dict[str, int]:
    """Return the number of dead letters that were not replayed, by reason."""
    rows = connection.execute(
        select(DeadLetter.reason, func.count())
        .where(DeadLetter.replayed_at.is_(None))
        .group_by(DeadLetter.reason)
        .order_by(DeadLetter.reason)
    )
    return {row[0]: row[1] for row in rows}


def summarize_dead_letters(connection: Connection) -> list[DeadLetterSummary]:
    """Summarize the dead letters that were not replayed, the most frequent reason first."""
    groups = connection.execute(
        select(
            DeadLetter.reason,
            func.count(),
            func.min(DeadLetter.received_at),
            func.max(DeadLetter.id),
        )
        .where(DeadLetter.replayed_at.is_(None))
        .group_by(DeadLetter.reason)
        .order_by(func.count().desc(), DeadLetter.reason)
    ).all()
    newest = dict(
        _with_id(row)
        for row in connection.execute(
            select(*_COLUMNS).where(DeadLetter.id.in_([group[3] for group in groups]))
        )
    )
    return [DeadLetterSummary(*group[:3], newest[group[3]]) for group in groups]


def models_named(
    connection: Connection,
    source: str,
    since: datetime,
    models: Sequence[str],
    *,
    reasons: Sequence[str],
) -> list[str]:
    """Return the models that the newest dead letters of a source name as a JSON string."""
    statement = (
        select(DeadLetter.value)
        .where(
            DeadLetter.source == source,
            DeadLetter.received_at >= since,
            DeadLetter.reason.in_(reasons),
            DeadLetter.value.is_not(None),
        )
        .order_by(DeadLetter.received_at.desc(), DeadLetter.id.desc())
        .limit(NEWEST)
    )
    values = [value or b"" for value in connection.execute(statement).scalars()]
    return [model for model in models if any(f'"{model}"'.encode() in value for value in values)]


def _with_id(row: Sequence[Any]) -> tuple[int, DeadLetterRow]:
    return row[0], DeadLetterRow(Position(*row[1:5]), *row[5:])


def _values(row: DeadLetterRow) -> dict[str, Any]:
    return asdict(row.position) | {name: getattr(row, name) for name in _FIELDS}
