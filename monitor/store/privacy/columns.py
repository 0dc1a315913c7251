"""Rows of any table as the registry of personal data names its columns: read, and replaced."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    literal,
    select,
    type_coerce,
    update,
)

from monitor.store.tables import metadata
from monitor.table_types.base import StructJson

#: Rows read in one transaction.
ROWS_PER_SCAN = 500

#: Primary key of a row.
Key = tuple[Any, ...]


def read_page(
    connection: Connection, table: str, columns: Sequence[str], after_id: int
) -> list[tuple[Key, tuple[Any, ...]]]:
    """Return the next rows after an id: primary key and the values of columns.

    JSON is returned as plain values. A table without an ``id`` is returned as a whole: these are
    small.
    """
    declared = metadata.tables[table]
    keys = list(declared.primary_key.columns)
    statement = select(*keys, *(plain(declared.c[name]) for name in columns)).order_by(*keys)
    if "id" in declared.primary_key.columns:
        statement = statement.where(declared.c.id > after_id).limit(ROWS_PER_SCAN)
    elif after_id:
        return []
    rows = connection.execute(statement).all()
    return [(tuple(row[: len(keys)]), tuple(row[len(keys) :])) for row in rows]


def last_id_of(page: Sequence[tuple[Key, tuple[Any, ...]]], table: str) -> int:
    """Return where the next page begins."""
    return int(page[-1][0][0]) if "id" in metadata.tables[table].primary_key.columns else 1


def read_values(
    connection: Connection, table: str, columns: Sequence[str], key: Key, *, lock: bool = False
) -> tuple[Any, ...] | None:
    """Return the values of a row's columns; ``lock`` it until the transaction ends."""
    declared = metadata.tables[table]
    statement = select(*(plain(declared.c[name]) for name in columns))
    statement = statement.where(_is_row(declared, key))
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else tuple(row)


def replace_values(connection: Connection, table: str, key: Key, values: Mapping[str, Any]) -> None:
    """Replace values of a row; JSON is given as plain values."""
    declared = metadata.tables[table]
    written = {
        name: literal(value, JSON()) if isinstance(declared.c[name].type, StructJson) else value
        for name, value in values.items()
    }
    connection.execute(update(declared).where(_is_row(declared, key)).values(written))


def delete_row(connection: Connection, table: str, key: Key) -> None:
    """Delete a row."""
    declared = metadata.tables[table]
    connection.execute(declared.delete().where(_is_row(declared, key)))


def _is_row(table: Table, key: Key) -> ColumnElement[bool]:
    columns = table.primary_key.columns
    return and_(*(column == value for column, value in zip(columns, key, strict=True)))


def plain(column: Column[Any]) -> ColumnElement[Any]:
    """Return a column whose JSON is read as plain values."""
    return type_coerce(column, JSON()) if isinstance(column.type, StructJson) else column
