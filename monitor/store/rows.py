"""Rows of queries as dataclasses, whose fields name the columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, insert, inspect, update

RowT = TypeVar("RowT")

#: Ids in one statement, well below SQLite's limit of bound parameters.
IDS_PER_QUERY = 500


def columns_of(row_type: type[Any], *tables: Any, **columns: Any) -> tuple[Any, ...]:
    """Return the columns that a row is read from, in the order of its fields.

    A field is the column of its name in the first of the mapped classes ``tables`` that has one;
    ``columns`` has those of fields that have another name or another table.

    Raises:
        AttributeError: No table has a column of a field's name.
    """
    return tuple(
        columns[field.name].label(field.name)
        if field.name in columns
        else _column(field.name, tables)
        for field in fields(row_type)
    )


def read_rows(
    connection: Connection,
    row_type: type[RowT],
    statement: Select[*tuple[Any, ...]],
    values: Mapping[str, Any] | None = None,
) -> list[RowT]:
    """Return the rows that a query of :func:`columns_of` selects, with values of its parameters."""
    return [row_type(*row) for row in connection.execute(statement, values)]


def read_row(
    connection: Connection,
    row_type: type[RowT],
    statement: Select[*tuple[Any, ...]],
    values: Mapping[str, Any] | None = None,
) -> RowT | None:
    """Return the only row that a query of :func:`columns_of` selects, if there is one."""
    row = connection.execute(statement, values).one_or_none()
    return None if row is None else row_type(*row)


def insert_row(connection: Connection, table: type[Any], /, **values: Any) -> int:
    """Insert a row of a mapped class, and return its id."""
    return int(connection.execute(insert(table).values(values).returning(table.id)).scalar_one())


def update_row(connection: Connection, table: type[Any], row_id: Any, /, **values: Any) -> None:
    """Write columns of a row of a mapped class."""
    connection.execute(update(table).where(table.id == row_id).values(values))


def batches_of(ids: Sequence[RowT]) -> Iterator[Sequence[RowT]]:
    """Yield ids in batches that fit in one statement."""
    for first in range(0, len(ids), IDS_PER_QUERY):
        yield ids[first : first + IDS_PER_QUERY]


def _column(name: str, tables: tuple[Any, ...]) -> Any:
    table = next((table for table in tables if hasattr(table, name)), tables[-1])
    attribute = getattr(table, name)
    # The column itself: SQLAlchemy compares a mapped attribute with it for each result, slowly.
    return inspect(table).columns[name] if isinstance(table, type) else attribute
