"""Rows of a table with an id: found by a value or a text, and deleted."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Text, cast, delete, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from monitor.store.rows import batches_of
from monitor.store.tables import Exchange, Feedback, RolloutObservation

NumberedTable = type[Exchange] | type[Feedback] | type[RolloutObservation]
TextColumn = InstrumentedAttribute[str]

#: Rows searched in one transaction.
ROWS_PER_SCAN = 20_000


def ids_with(
    connection: Connection, table: NumberedTable, column: TextColumn, values: Sequence[str]
) -> set[int]:
    """Return the ids of the rows whose column has one of the values."""
    ids: set[int] = set()
    for part in batches_of(values):
        ids.update(connection.execute(select(table.id).where(column.in_(part))).scalars())
    return ids


def last_id(connection: Connection, table: NumberedTable) -> int:
    """Return the highest id; 0 where there is no row."""
    return connection.execute(select(func.max(table.id))).scalar_one() or 0


def rows_containing(
    connection: Connection,
    table: NumberedTable,
    columns: Sequence[TextColumn],
    needle: str,
    after_id: int,
    *,
    json_columns: Sequence[InstrumentedAttribute[Any]] = (),
) -> list[tuple[int, tuple[str, ...]]]:
    """Return rows among the next :data:`ROWS_PER_SCAN` ids that contain a string in a column.

    The search ignores case. Each id comes with the values of the columns, JSON as text.
    """
    documents = [cast(column, Text) for column in json_columns]
    escaped = json.dumps(needle)[1:-1]
    statement = select(table.id, *columns, *documents).where(
        table.id > after_id,
        table.id <= after_id + ROWS_PER_SCAN,
        or_(
            *(column.icontains(needle, autoescape=True) for column in columns),
            *(document.icontains(escaped, autoescape=True) for document in documents),
        ),
    )
    return [(row[0], tuple(row[1:])) for row in connection.execute(statement)]


def delete_rows(connection: Connection, table: NumberedTable, ids: Sequence[int]) -> int:
    """Delete rows; return their number."""
    deleted = 0
    for part in batches_of(ids):
        deleted += connection.execute(delete(table).where(table.id.in_(part))).rowcount
    return deleted
