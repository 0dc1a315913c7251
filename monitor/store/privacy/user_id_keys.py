"""Stored keys of end users' pseudonyms, by generation."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import UserIdKey


@dataclass(frozen=True)
class KeyRow:
    """A key: its check value, and the key itself where the database holds it."""

    generation: int
    check_value: str
    secret: str | None
    created_at: datetime


_COLUMNS = columns_of(KeyRow, UserIdKey)


def stored_keys(connection: Connection) -> list[KeyRow]:
    """Return the keys, the newest first."""
    return read_rows(connection, KeyRow, select(*_COLUMNS).order_by(UserIdKey.generation.desc()))


def insert_key(connection: Connection, row: KeyRow) -> None:
    """Insert a key; ``IntegrityError`` where another process has added its generation."""
    values = {
        "generation": row.generation,
        "check_value": row.check_value,
        "secret": row.secret,
        "created_at": row.created_at,
    }
    connection.execute(insert(UserIdKey).values(values))


def remove_secret(connection: Connection, check_value: str) -> None:
    """Remove a key from the database, which the environment holds now; its check value stays."""
    connection.execute(
        update(UserIdKey).where(UserIdKey.check_value == check_value).values(secret=None)
    )
