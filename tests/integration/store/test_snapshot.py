"""Snapshots: one state of the database, while others write; a change in one is a defect."""

import pytest
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from monitor.errors import DatabaseUnavailableError
from monitor.store.audit_log import append_entry
from monitor.store.engine import make_engine, snapshot, transaction
from monitor.store.tables import AuditEntry
from tests.support.present import utc_now


def append(connection: Connection) -> None:
    append_entry(connection, utc_now(), "Ann", "tried", "database")


def count(connection: Connection) -> int:
    return connection.execute(select(func.count(AuditEntry.id))).scalar_one()


def test_snapshot_does_not_see_concurrent_writes(any_engine: Engine) -> None:
    other = make_engine(any_engine.url.render_as_string(hide_password=False))
    with snapshot(any_engine) as connection:
        assert count(connection) == 0
        with transaction(other) as writer:
            append(writer)
        assert count(connection) == 0
    with snapshot(any_engine) as connection:
        assert count(connection) == 1
    other.dispose()


def test_a_change_in_a_snapshot_is_a_defect(any_engine: Engine) -> None:
    with pytest.raises(DBAPIError) as caught, snapshot(any_engine) as connection:
        append(connection)
    assert not isinstance(caught.value, DatabaseUnavailableError)


def test_the_connection_of_a_snapshot_writes_again(any_engine: Engine) -> None:
    for _ in range(2):
        with snapshot(any_engine) as connection:
            count(connection)
        with transaction(any_engine) as connection:
            append(connection)
            assert count(connection)
