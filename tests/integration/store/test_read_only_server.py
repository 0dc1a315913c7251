"""A server that became read-only, as a replaced primary or a full one: nothing ends, all waits."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select

from monitor.daemon.leadership import Leadership
from monitor.daemon.readiness.monitoring import database_finding
from monitor.errors import DatabaseUnavailableError
from monitor.settings import Settings
from monitor.store.audit_log import append_entry
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import AuditEntry
from tests.support.present import utc_now

pytestmark = pytest.mark.postgres


@pytest.fixture
def standby(postgres_engine: Engine) -> Iterator[Engine]:
    """Return the database as a server shows it that takes no changes."""
    options = {"options": "-c default_transaction_read_only=on"}
    url = postgres_engine.url.update_query_dict(options)
    engine = make_engine(url.render_as_string(hide_password=False))
    yield engine
    engine.dispose()


def append(engine: Engine) -> None:
    with transaction(engine) as connection:
        append_entry(connection, utc_now(), "Ann", "tried", "database")


def test_changes_are_refused_as_of_an_unavailable_database(standby: Engine) -> None:
    with pytest.raises(DatabaseUnavailableError, match="read-only"):
        append(standby)
    with transaction(standby) as connection:
        assert connection.execute(select(func.count(AuditEntry.id))).scalar_one() == 0


def test_check_names_a_read_only_server(standby: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.store.migrations.require_current", lambda _: None)
    url = standby.url.render_as_string(hide_password=False)
    finding = database_finding(Settings(database={"url": url}))
    assert finding.status == "fail"


def test_a_replica_waits_to_lead(standby: Engine) -> None:
    leadership = Leadership(standby, lease=timedelta(seconds=0.3))
    leadership.start(on_taken=lambda: None)
    time.sleep(0.5)
    assert not leadership.held()
    assert leadership._thread.is_alive()
    leadership.release()
    assert not leadership._thread.is_alive()
