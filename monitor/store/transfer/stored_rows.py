"""Rows of all tables as they are stored, the same for both kinds of databases, and their digests.

JSON is read and written as its text, so that it is copied to the last byte. A table's rows come in
the order of their primary key, and the digest of a table covers each value of each row.
"""

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Dialect,
    LargeBinary,
    String,
    Table,
    Text,
    cast,
    func,
    inspect,
    select,
    type_coerce,
)
from sqlalchemy.types import TypeDecorator

from monitor.store.tables import metadata
from monitor.table_types.base import StructJson

#: Rows that are fetched and written at a time; fewer where they are large.
ROWS_PER_BATCH = 1000
#: Rows with bytes that are fetched at a time: a block of vectors has up to some megabytes.
BLOCKS_PER_FETCH = 8
#: Bytes of a batch after which it is written.
BATCH_BYTES = 2**23
SIZED = (str, bytes, memoryview)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = Sequence[Any]


class JsonText(TypeDecorator[str]):
    """The text of a JSON value, in a column of type JSON."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Return a text type: neither driver parses it."""
        return dialect.type_descriptor(String())


@dataclass(frozen=True)
class TableDigest:
    """Number of rows of a table, and the digest of their values."""

    table: str
    n_rows: int
    #: SHA-256.
    digest: str


def tables() -> list[Table]:
    """Return all tables, in an order that does not depend on references."""
    return sorted(metadata.tables.values(), key=lambda table: table.name)


def read_batches(connection: Connection, table: Table) -> Iterator[list[Row]]:
    """Yield the rows of a table in the order of their primary key, some megabytes at a time.

    Digests need the same order everywhere, so texts are ordered by their bytes.
    """
    order = [_in_order(column, connection) for column in table.primary_key.columns]
    statement = select(*map(_as_stored, table.columns)).order_by(*order)
    has_bytes = any(isinstance(column.type, LargeBinary) for column in table.columns)
    options = {"yield_per": BLOCKS_PER_FETCH if has_bytes else ROWS_PER_BATCH}
    batch: list[Row] = []
    n_bytes = 0
    with connection.execute(statement, execution_options=options) as result:
        for row in result:
            batch.append(tuple(row))
            n_bytes += sum(len(value) for value in row if isinstance(value, SIZED))
            if len(batch) == ROWS_PER_BATCH or n_bytes > BATCH_BYTES:
                yield batch
                batch, n_bytes = [], 0
    if batch:
        yield batch


def count_rows(connection: Connection) -> dict[str, int]:
    """Return the number of rows of each declared table that exists and has some."""
    present = set(inspect(connection).get_table_names())
    counts = {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in tables()
        if table.name in present
    }
    return {name: n for name, n in counts.items() if n}


class RowDigest:
    """The digest of a table's rows, one after the other."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._sum = hashlib.sha256()
        self._n = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows that follow those before."""
        self._n += len(rows)
        for row in rows:
            for value in row:
                self._sum.update(_encode(value))

    def result(self) -> TableDigest:
        """Return number and digest of the rows so far."""
        return TableDigest(str(self._table.name), self._n, self._sum.hexdigest())


def digest_table(connection: Connection, table: Table) -> TableDigest:
    """Read a table and return its digest."""
    digest = RowDigest(table)
    for rows in read_batches(connection, table):
        digest.add(rows)
    return digest.result()


def is_json(kind: Any) -> bool:
    """Return whether a column's type is JSON."""
    return isinstance(kind, (JSON, StructJson))


def _as_stored(column: Any) -> Any:
    if not is_json(column.type):
        return column
    # Without the cast psycopg2 would parse it.
    return type_coerce(cast(column, Text), Text).label(column.name)


def _in_order(column: Any, connection: Connection) -> Any:
    is_text = isinstance(column.type, String)
    return column.collate("C") if is_text and connection.dialect.name == "postgresql" else column


def _encode(value: Any) -> bytes:
    """Encode a value without ambiguity: its kind, its length, its bytes."""
    kind, content = ENCODERS[type(value)](value)
    return b"%b%d:%b" % (kind, len(content), content)


def _microseconds(value: datetime) -> bytes:
    delta = value.astimezone(UTC) - _EPOCH
    seconds = delta.days * 86_400 + delta.seconds
    return b"%d" % (seconds * 1_000_000 + delta.microseconds)


#: Kind and bytes of a value, by its type; PostgreSQL's driver returns bytes as a memoryview.
ENCODERS: Mapping[type, Callable[[Any], tuple[bytes, bytes]]] = {
    type(None): lambda _: (b"n", b""),
    bool: lambda value: (b"t", b"1" if value else b"0"),
    int: lambda value: (b"i", b"%d" % value),
    float: lambda value: (b"d", struct.pack(">d", value)),
    datetime: lambda value: (b"m", _microseconds(value)),
    str: lambda value: (b"s", value.encode("utf-8", "surrogatepass")),
    bytes: lambda value: (b"b", value),
    memoryview: lambda value: (b"b", bytes(value)),
}
