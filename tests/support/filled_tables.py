"""Rows in every table of a schema, made from the schema itself, so that no column is forgotten."""

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, MetaData, Table, select

from monitor.store.access_chain import link_entries
from monitor.store.audit_log import append_entry
from monitor.store.transfer.stored_rows import JsonText, is_json
from monitor.table_types.base import UtcDateTime

MOMENT = datetime(2026, 11, 2, 9, 30, 0, 123456, tzinfo=UTC)
#: What is easily changed on the way: order of keys, escapes, digits, empty values.
DOCUMENTS: Sequence[Any] = (
    {"b": [1, 2.5, None, True], "a": {"é": '\u0000 \\ " \n', "": {}}, "n": 1e-300},
    [],
    {"deep": [[[{"x": "🙂"}]]], "large": 2**53 + 1},
)
TEXTS = ("tab\there", "line\nbreak \\N \\x41", "umlaut äöü 🙂 'quoted' \"twice\"")
NUMBERS = (0, 7, 2**31 - 1)
LARGE_NUMBERS = (0, -(2**62), 2**63 - 1)
FLOATS = (0.1, -1.5e-300, 1.7976931348623157e308)
CONTENTS = (bytes(range(256)), b"", b"\\x00\n\t\\N")
#: Columns of which a check allows some words only.
WORDS = {("suppressions", "action"): ("added", "removed")}
N_ROWS = 3


def fill_tables(
    connection: Connection,
    metadata: MetaData,
    *,
    first: int = 1,
    only: Collection[str] | None = None,
    n_rows: int = N_ROWS,
) -> dict[str, int]:
    """Insert rows into each table; return their number by table.

    Ids have gaps. Each nullable column is NULL in one row. A table whose rows are limited to one by
    a check has one. The audit log continues its chain.

    Args:
        connection: The transaction.
        metadata: The schema: declared, or reflected from a database of another revision.
        first: Number of the first row: repeated fills need different ones.
        only: The tables; default: all.
        n_rows: Rows of each table; with one, its id is 1 and no column is NULL.
    """
    counts = {}
    for table in metadata.sorted_tables:
        if table.name == "alembic_version" or (only is not None and table.name not in only):
            continue
        if table.name == "audit_log":
            for k in range(first, first + N_ROWS):
                append_entry(connection, MOMENT, f"user-{k}", "filled", f"row:{k}", {"k": k})
            counts[table.name] = N_ROWS
            continue
        if table.name == "access_log_chain":
            counts[table.name] = link_entries(connection)
            continue
        single = table.name == "leadership" or n_rows == 1
        receiver = plain_table(table)
        n = 0
        for k in range(first, first + (1 if single else n_rows)):
            row = {
                column.name: _value(connection, table, column, k, single=single)
                for column in table.columns
            }
            connection.execute(receiver.insert().values(row))
            n += 1
        counts[table.name] = n
        advance_sequence(connection, table)
    return counts


def advance_sequence(connection: Connection, table: Table) -> None:
    """Let PostgreSQL go on after the ids, which were given."""
    column = table.autoincrement_column
    if column is not None and connection.dialect.name == "postgresql":
        last = connection.execute(select(sa.func.max(column))).scalar_one()
        if last is None:
            return
        sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
        connection.execute(select(sa.func.setval(sequence, last)))


def plain_table(table: Table) -> Table:
    """Return a table that takes JSON as text."""
    columns = [
        sa.Column(column.name, JsonText() if is_json(column.type) else column.type)
        for column in table.columns
    ]
    return Table(table.name, MetaData(), *columns)


def _value(connection: Connection, table: Table, column: Any, k: int, *, single: bool) -> Any:
    if column.nullable and k % N_ROWS == 0:
        return None
    for key in column.foreign_keys:
        ids = select(key.column).order_by(key.column)
        known = connection.execute(ids).scalars().all()
        if key.column.table is table and not known:
            return None
        return known[-N_ROWS:][k % N_ROWS] if len(known) >= N_ROWS else known[-1]
    if is_json(column.type):
        return json.dumps(DOCUMENTS[k % 3], ensure_ascii=False)
    kind = datetime if isinstance(column.type, UtcDateTime) else column.type.python_type
    if column.primary_key and kind is int:
        return 1 if single else 10 + 7 * k
    if kind is str and (words := WORDS.get((table.name, column.name))):
        return words[k % len(words)]
    if kind is str:
        return f"{column.name} {k}: {TEXTS[k % 3]}"
    if kind is bool:
        return k % 2 == 0
    if kind is int:
        large = isinstance(column.type, sa.BigInteger)
        return (LARGE_NUMBERS if large else NUMBERS)[k % 3] - k * (k % 3 == 2) + k * (k % 3 != 2)
    if kind is float:
        return FLOATS[k % 3]
    if kind is bytes:
        return CONTENTS[k % 3]
    assert kind is datetime, (table.name, column.name, kind)
    moment = MOMENT + timedelta(days=k, microseconds=k)
    aware = connection.dialect.name == "postgresql" or isinstance(column.type, UtcDateTime)
    return moment if aware else moment.replace(tzinfo=None)
