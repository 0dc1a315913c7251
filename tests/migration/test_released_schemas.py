"""Databases of every release, with data: their migration loses nothing, and is never edited."""

import hashlib
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, create_engine, inspect, text

from monitor.alerts.incidents import report, snooze
from monitor.daemon.web_app import create_app
from monitor.settings import Alerts, Secrets, Settings
from monitor.store import migrations
from monitor.store.alerts.incident_events import list_events
from monitor.store.alerts.incidents import list_incidents
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.schema.releases import RELEASES, Release
from monitor.store.tables import metadata
from tests.migration.dump_release import FOLDER
from tests.support.schema import alembic_command, differences, schema
from tests.support.web.route_table import PUBLIC, Visitor, routes

each_release = pytest.mark.parametrize("release", [release.version for release in RELEASES])


def restore(engine: Engine, release: str) -> None:
    """Restore the database of a release in an empty one."""
    dump = (FOLDER / f"{release}.{engine.dialect.name}.sql").read_text(encoding="utf-8")
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(engine.url.database))) as connection:
            connection.executescript(dump)
        return
    # The dump empties the search path of its session.
    own = create_engine(engine.url)
    with own.begin() as connection:
        connection.connection.cursor().execute(dump)
    own.dispose()


def counts(engine: Engine) -> dict[str, int]:
    tables = set(inspect(engine).get_table_names()) - {"alembic_version"}
    with transaction(engine) as connection:
        return {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in sorted(tables)
        }


def test_both_databases_of_each_release_are_kept() -> None:
    kinds = {path.name for path in FOLDER.glob("*.sql")}
    versions = [release.version for release in RELEASES]
    assert kinds == {f"{name}.{kind}.sql" for name in versions for kind in ("postgresql", "sqlite")}


def test_migrations_of_releases_are_never_edited() -> None:
    """An edited migration gives new databases a schema that older ones never get."""
    known = migrations.history()
    released = known[: known.index(RELEASES[-1].revision) + 1]
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in migrations.migrations_folder().glob("versions/*.py")
        if path.name.split("_")[0] in released
    }
    entries = (line.split() for line in (FOLDER / "migrations.sha256").read_text().splitlines())
    assert digests == {name: digest for digest, name in entries}


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_a_dump_has_the_revision_of_its_release(empty_engine: Engine, release: Release) -> None:
    restore(empty_engine, release.version)
    assert migrations.current_revision(empty_engine) == release.revision


@each_release
def test_a_released_migration_gives_the_schema_of_its_time(
    empty_engine: Engine, release: str
) -> None:
    """An edited migration would leave databases behind that no migration mends."""
    restore(empty_engine, release)
    released, revision = schema(empty_engine), migrations.current_revision(empty_engine)
    assert revision is not None
    alembic_command(empty_engine, "downgrade", "base")
    alembic_command(empty_engine, "upgrade", revision)
    assert schema(empty_engine) == released


@each_release
def test_a_released_database_is_migrated_with_its_data(empty_engine: Engine, release: str) -> None:
    restore(empty_engine, release)
    before = counts(empty_engine)
    assert min(before.values()) > 0, "every table of a release has a row in its dump"
    migrations.upgrade(empty_engine)
    assert differences(empty_engine) == []
    after = counts(empty_engine)
    assert {name: after[name] for name in before if name in metadata.tables} == {
        name: n for name, n in before.items() if name in metadata.tables
    }
    app = create_app(empty_engine, Settings(), Secrets())
    pages = [
        route.path
        for route in routes(app)
        if route.method == "GET"
        and not route.parameters
        and route.path not in PUBLIC
        # Of tools, with a token that is not set here.
        and route.path != "/api/rollouts/verdict"
    ]
    with TestClient(app) as client:
        lead = Visitor(client)
        assert lead.sign_in("Lea").status_code < 300
        statuses = {page: lead.get(page).status_code for page in pages}
    assert len(statuses) > 5
    assert {page: status for page, status in statuses.items() if status >= 400} == {}


def test_old_incidents_have_the_events_that_are_known(empty_engine: Engine) -> None:
    """From the audit log, or from their columns; the schema before has no other causes."""
    alembic_command(empty_engine, "upgrade", "0003")
    opened, later = "2026-10-05 00:00:00+00:00", "2026-10-12 09:30:00+00:00"
    with transaction(empty_engine) as connection:
        for model, status in (("a", "resolved"), ("b", "open"), ("c", "resolved")):
            resolved = "NULL" if status == "open" else f"'{later}'"
            connection.execute(
                text(
                    "INSERT INTO incidents (model, status, fingerprint, severity, opened_at, "
                    f"resolved_at, acknowledged_by) VALUES ('{model}', '{status}', 'input', 0.2, "
                    f"'{opened}', {resolved}, 'Ann')"
                )
            )
        at = datetime(2026, 10, 6, 9, tzinfo=UTC)
        steps = (("opened", None, "open"), ("acknowledged", "open", "acknowledged"))
        for action, before, after in (*steps, ("resolved", "acknowledged", "resolved")):
            append_entry(connection, at, "Ann", action, "incident:1", {"from": before, "to": after})
    migrations.upgrade(empty_engine)
    with transaction(empty_engine) as connection:
        rows = {row.id: row for row in list_incidents(connection)}
        events = {number: list_events(connection, number) for number in rows}
        assert {row.cause for row in rows.values()} == {"drift"}
        assert {number: row.version for number, row in rows.items()} == {1: 3, 2: 1, 3: 2}
        assert [(event.event, event.by, event.at) for event in events[1]] == [
            (action, "Ann", at) for action in ("opened", "acknowledged", "resolved")
        ]
        assert [event.event for event in events[3]] == ["opened", "resolved"]
        report(connection, "no_traffic", "m", at, text="silent", alerts=Alerts())
        snooze(connection, 2, "Ann", at + timedelta(days=1), at, alerts=Alerts())
    alembic_command(empty_engine, "downgrade", "0003")
    with transaction(empty_engine) as connection:
        statuses = connection.execute(text("SELECT id, status FROM incidents ORDER BY id")).all()
    assert [tuple(row) for row in statuses] == [(1, "resolved"), (2, "open"), (3, "resolved")]
