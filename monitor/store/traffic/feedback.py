"""Feedback on exchanges: insertion in the transaction that moves the offsets."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from monitor.store.tables import Feedback
from monitor.store.traffic.position import FeedbackRow

#: 11 values each, below SQLite's limit of bound parameters.
ROWS_PER_QUERY = 500


#: Columns of the same names.
_FIELDS = tuple(field.name for field in fields(FeedbackRow) if field.name != "position")


def insert_feedback(connection: Connection, rows: Sequence[FeedbackRow]) -> None:
    """Insert feedback; a value that is stored already, by position and name, stays as it is."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    for start in range(0, len(rows), ROWS_PER_QUERY):
        part = rows[start : start + ROWS_PER_QUERY]
        statement = dialect.insert(Feedback).values([_values(row) for row in part])
        connection.execute(statement.on_conflict_do_nothing())


def _values(row: FeedbackRow) -> dict[str, Any]:
    return asdict(row.position) | {name: getattr(row, name) for name in _FIELDS}
