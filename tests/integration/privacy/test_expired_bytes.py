"""Bytes of the database file after retention: nothing expired is left, for each declared kind."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, String, func, insert, select, text, update
from sqlalchemy.sql.functions import coalesce

from monitor.privacy.retention.application import apply_retention
from monitor.store.access_chain import link_entries
from monitor.store.engine import transaction
from monitor.store.privacy.expiry import EXPIRED_COLUMNS, EXPIRED_ROWS
from monitor.store.tables import AccessEntry, metadata
from tests.integration.privacy.end_user_world import make_end_user_world
from tests.integration.privacy.test_aged_database import ALL_PERIODS, YEARS, count_rows, fill
from tests.support.filled_tables import fill_tables

EXPIRIES = (*EXPIRED_ROWS, *EXPIRED_COLUMNS)
FILES = text("""
    SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class
    WHERE relkind IN ('r', 'i', 't', 'm') AND oid >= 16384
""")


def bytes_of(engine: Engine, *statements: str) -> bytes:
    """Return the files of a database: SQLite's with its log of writes, PostgreSQL's tables."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in (*statements, "CHECKPOINT"):
                connection.execute(text(statement))
            return b"".join(bytes(row) for row in connection.execute(FILES).scalars())
    path = Path(str(engine.url.database))
    files = sorted(path.parent.glob(f"{path.name}*"))
    return b"".join(file.read_bytes() for file in files)


def marker(table: str, column: str) -> str:
    return f"expires-{table}-{column}-end"


def document(word: str, old: Any) -> Any:
    """Return a content of the kind of another that has a word."""
    if isinstance(old, bytes):
        return word.encode()
    return {"comment": word} if isinstance(old, dict) else [{"role": "user", "content": word}]


def plant_access_entry(connection: Connection, clock: datetime) -> None:
    """Insert an entry, as the log refuses changes; the link after it lets it expire."""
    entry = dict.fromkeys(("source", "action", "kind", "object_id", "model", "place"), "x")
    actor = marker("access_log", "actor")
    addresses = {"address": "", "peer": ""}
    connection.execute(
        insert(AccessEntry).values(**entry, **addresses, actor=actor, occurred_at=clock)
    )
    link_entries(connection)


@pytest.fixture
def planted(any_engine: Engine, tmp_path: Path, clock: datetime) -> dict[str, bytes]:
    """Put a word of its own into each content that expires, in rows that have ended."""
    make_end_user_world(any_engine, tmp_path, clock)
    words = {"access_log.actor": marker("access_log", "actor").encode()}
    with transaction(any_engine) as connection:
        fill(connection)
        tables = {expiry.table.name for expiry in EXPIRIES}
        empty = {name for name in tables if not count_rows(connection, name)}
        fill_tables(connection, metadata, only=empty)
        plant_access_entry(connection, clock)
        for expiry in EXPIRIES:
            for column in expiry.columns:
                table, stored = expiry.table, expiry.table.c[column.key]
                if stored.foreign_keys or table.name == "access_log":
                    continue
                word = marker(table.name, column.key)
                if isinstance(column.type, String):
                    value = func.coalesce(stored, "") + word
                else:
                    full = select(stored).where(stored.is_not(None)).limit(1)
                    value = document(word, connection.execute(full).scalar_one())
                since = expiry.since
                start = next(iter(since.clauses)) if isinstance(since, coalesce) else since
                if isinstance(start, Column):  # every row has ended
                    ended = update(table).where(since.is_(None))
                    connection.execute(ended.values({start.key: clock}))
                changed = update(table).where(expiry.since.is_not(None))
                connection.execute(changed.values({column.key: value}))
                words[f"{table.name}.{column.key}"] = word.encode()
    return words


def test_expired_contents_leave_no_byte(
    any_engine: Engine, clock: datetime, planted: dict[str, bytes]
) -> None:
    before = bytes_of(any_engine)
    assert [place for place, word in planted.items() if word not in before] == []
    assert {place.partition(".")[0] for place in planted} >= {
        "access_log",
        "feedback",
        "incident_events",
    }

    apply_retention(any_engine, ALL_PERIODS, clock + YEARS)
    any_engine.dispose()

    after = bytes_of(any_engine, "VACUUM FULL")  # as the page on personal data says
    assert [place for place, word in planted.items() if word in after] == []
