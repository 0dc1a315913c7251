"""Audit log: refused changes, and detection of changes that bypass the triggers."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.store.audit_log import GENESIS, append_entry, check_chain, entry_hash
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import AuditEntry
from tests.support.migrated_copy import migrate

N = 7


@pytest.fixture
def hashes(any_engine: Engine, clock: datetime) -> list[str]:
    with transaction(any_engine) as connection:
        return [
            append_entry(
                connection,
                clock + timedelta(seconds=n),
                "Ada",
                "reviewed",
                f"item:{n}",
                {"verdict": "accept", "n": n},
            )
            for n in range(N)
        ]


def drop_triggers(connection: Connection) -> None:
    """Drop the triggers, as only the owner of the database can."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER USER"))
        return
    names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    for name in list(names.scalars()):
        connection.execute(text(f"DROP TRIGGER {name}"))


def ids(connection: Connection) -> list[int]:
    return list(connection.execute(select(AuditEntry.id).order_by(AuditEntry.id)).scalars())


def test_untouched_log_is_intact(any_engine: Engine, hashes: list[str]) -> None:
    with transaction(any_engine) as connection:
        chain = check_chain(connection, expected=hashes[3])
    assert (N, hashes[-1], None, True) == (
        chain.n_entries,
        chain.head,
        chain.broken_at,
        chain.holds_expected,
    )


def test_empty_log_is_intact(any_engine: Engine) -> None:
    with transaction(any_engine) as connection:
        chain = check_chain(connection)
    assert (
        chain.n_entries,
        chain.head,
        chain.broken_at,
        chain.holds_expected,
    ) == (0, GENESIS, None, True)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'nobody' WHERE subject = 'item:3'",
        "DELETE FROM audit_log WHERE subject = 'item:3'",
        "DELETE FROM audit_log",
    ],
)
def test_database_refuses_changes_of_entries(
    any_engine: Engine, hashes: list[str], statement: str
) -> None:
    with pytest.raises(DBAPIError, match="append-only"), transaction(any_engine) as connection:
        connection.execute(text(statement))
    with transaction(any_engine) as connection:
        assert check_chain(connection).n_entries == N


def test_sqlite_refuses_insert_or_replace(engine: Engine, clock: datetime) -> None:
    with transaction(engine) as connection:
        append_entry(connection, clock, "Ada", "reviewed", "item:1")
    columns = "occurred_at, action, subject, details, previous_hash"
    replace = (
        f"INSERT OR REPLACE INTO audit_log (id, {columns}, actor, hash) "
        f"SELECT id, {columns}, 'nobody', 'x' FROM audit_log"
    )
    with pytest.raises(DBAPIError, match="append-only"), transaction(engine) as connection:
        connection.execute(text(replace))


@pytest.mark.postgres
def test_postgresql_refuses_truncate(postgres_engine: Engine, clock: datetime) -> None:
    with transaction(postgres_engine) as connection:
        append_entry(connection, clock, "Ada", "reviewed", "item:1")
    with pytest.raises(DBAPIError, match="append-only"), transaction(postgres_engine) as connection:
        connection.execute(text("TRUNCATE audit_log"))


CHANGES: dict[str, dict[str, Any]] = {
    "actor": {"actor": "nobody"},
    "action": {"action": "declined"},
    "subject": {"subject": "item:99"},
    "details": {"details": {"verdict": "reject", "n": 3}},
    "hash": {"hash": "f" * 64},
}


@pytest.mark.parametrize("column", [*CHANGES, "occurred_at"])
def test_changed_entry_is_detected(any_engine: Engine, hashes: list[str], column: str) -> None:
    with transaction(any_engine) as connection:
        drop_triggers(connection)
        entry = ids(connection)[3]
        at = connection.execute(
            select(AuditEntry.occurred_at).where(AuditEntry.id == entry)
        ).scalar_one()
        values = CHANGES.get(column, {"occurred_at": at + timedelta(microseconds=1)})
        connection.execute(update(AuditEntry).where(AuditEntry.id == entry).values(**values))
        chain = check_chain(connection)
    assert (3, entry, "it was changed") == (chain.n_entries, chain.broken_at, chain.problem)


@pytest.mark.parametrize("position", [0, 3])
def test_removed_entry_is_detected(any_engine: Engine, hashes: list[str], position: int) -> None:
    with transaction(any_engine) as connection:
        drop_triggers(connection)
        every = ids(connection)
        connection.execute(delete(AuditEntry).where(AuditEntry.id == every[position]))
        chain = check_chain(connection)
    assert every[position + 1] == chain.broken_at
    assert "removed" in chain.problem


def test_reordered_entries_are_detected(any_engine: Engine, hashes: list[str]) -> None:
    with transaction(any_engine) as connection:
        drop_triggers(connection)
        every = ids(connection)
        for old, new in ((every[2], -1), (every[4], every[2]), (-1, every[4])):
            connection.execute(update(AuditEntry).where(AuditEntry.id == old).values(id=new))
        chain = check_chain(connection)
    assert every[2] == chain.broken_at
    assert "moved" in chain.problem


def test_inserted_entry_is_detected(any_engine: Engine, hashes: list[str], clock: datetime) -> None:
    """The inserted entry has a valid hash but follows an entry that has a successor."""
    with transaction(any_engine) as connection:
        drop_triggers(connection)
        every = ids(connection)
        last = every[-1]
        connection.execute(update(AuditEntry).where(AuditEntry.id == last).values(id=last + 10))
        row = connection.execute(
            select(AuditEntry.__table__).where(AuditEntry.id == every[-2])
        ).one()
        forged = append_after(connection, row.hash, clock)
        connection.execute(update(AuditEntry).where(AuditEntry.hash == forged).values(id=last))
        chain = check_chain(connection)
    assert last + 10 == chain.broken_at


def append_after(connection: Connection, previous: str, clock: datetime) -> str:
    digest = entry_hash(previous, clock, "Eve", "reviewed", "item:1", {})
    values = {
        "occurred_at": clock,
        "actor": "Eve",
        "action": "reviewed",
        "subject": "item:1",
        "details": {},
    }
    connection.execute(insert(AuditEntry).values(previous_hash=previous, hash=digest, **values))
    return digest


def cut(connection: Connection) -> None:
    connection.execute(delete(AuditEntry).where(AuditEntry.id >= ids(connection)[-2]))


def rewrite(connection: Connection) -> None:
    rows = connection.execute(select(AuditEntry.__table__).order_by(AuditEntry.id)).all()
    connection.execute(delete(AuditEntry))
    for row in rows:
        actor = "Eve" if row.subject == "item:0" else row.actor
        append_entry(connection, row.occurred_at, actor, row.action, row.subject, row.details)


@pytest.mark.parametrize("tamper", [cut, rewrite])
def test_truncated_or_rewritten_log_lacks_a_known_hash(
    any_engine: Engine, hashes: list[str], tamper: Callable[[Connection], None]
) -> None:
    with transaction(any_engine) as connection:
        drop_triggers(connection)
        tamper(connection)
        assert check_chain(connection).broken_at is None
        assert check_chain(connection).holds_expected
        chain = check_chain(connection, expected=hashes[-1])
    assert chain.broken_at is None
    assert not chain.holds_expected


def test_command_prints_the_head_and_verifies_a_hash(tmp_path: Path, clock: datetime) -> None:
    path = tmp_path / "own.db"
    config = tmp_path / "config.toml"
    config.write_text(f"[database]\nurl = {json.dumps(f'sqlite:///{path}')}\n")
    own = make_engine(f"sqlite:///{path}")
    migrate(own)
    with transaction(own) as connection:
        heads = [append_entry(connection, clock, "Ada", "reviewed", f"item:{n}") for n in range(3)]

    def verify(*options: str) -> Any:
        command = ["review", "verify-audit", "--config", str(config), *options]
        return CliRunner().invoke(app, command)

    result = verify()
    assert result.exit_code == 0
    assert ["audit log: intact, 3 entries", heads[-1]] == result.output.splitlines()
    assert verify("--expect", heads[1]).exit_code == 0
    with transaction(own) as connection:
        drop_triggers(connection)
        connection.execute(delete(AuditEntry).where(AuditEntry.hash == heads[-1]))
    result = verify("--expect", heads[-1])
    assert result.exit_code == 1
    assert f"without the expected hash: {heads[-1]}" in str(result.exception)
    own.dispose()
