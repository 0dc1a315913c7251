"""Databases of every release, with data: their migration loses nothing, and is never edited."""

import sqlite3
from contextlib import closing

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, create_engine, text

from monitor.settings import Secrets, Settings
from monitor.store import migrations
from monitor.store.engine import transaction
from monitor.store.tables import metadata
from monitor.web.app import create_app
from tests.migration.dump_release import FOLDER
from tests.support.schema import alembic_command, differences, schema
from tests.support.web.route_table import PUBLIC, Visitor, routes

RELEASES = sorted({path.name.rsplit(".", 2)[0] for path in FOLDER.glob("*.sql")})
each_release = pytest.mark.parametrize("release", RELEASES)


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
    tables = schema(engine)
    with transaction(engine) as connection:
        return {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in tables
        }


def test_both_databases_of_the_first_release_are_kept() -> None:
    kinds = {path.name for path in FOLDER.glob("0.2.0.*")}
    assert kinds == {"0.2.0.postgresql.sql", "0.2.0.sqlite.sql"}


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
        if route.method == "GET" and not route.parameters and route.path not in PUBLIC
    ]
    with TestClient(app) as client:
        lead = Visitor(client)
        assert lead.sign_in("Lea").status_code < 300
        statuses = {page: lead.get(page).status_code for page in pages}
    assert len(statuses) > 5
    assert {page: status for page, status in statuses.items() if status >= 400} == {}
