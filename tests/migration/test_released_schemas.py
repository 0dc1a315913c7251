"""Databases of every release, with data: their migration loses nothing, and is never edited.

A made-up release stands beside the real ones, so that all of it is tested before the first.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, inspect, text

from monitor.daemon.web_app import create_app
from monitor.settings import Secrets, Settings
from monitor.store import migrations
from monitor.store.engine import transaction
from monitor.store.schema import releases
from monitor.store.schema.releases import Release
from tests.migration import dump_release
from tests.migration.dump_release import DIGESTS, FOLDER, digests, restore
from tests.migration.made_up import ADDED, EXPANSION, PRESENT, next_release
from tests.support.schema import alembic_command, differences, schema
from tests.support.web.route_table import PUBLIC, Visitor, routes

Restore = Callable[[Engine], None]


@pytest.fixture(params=[PRESENT, *releases.RELEASES], ids=lambda release: release.version)
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Release]:
    """Return a release; the made-up one with the code of the one after it."""
    if request.param != PRESENT:
        yield request.param
        return
    with next_release(tmp_path / "code", EXPANSION):
        yield PRESENT


@pytest.fixture
def database(empty_engine: Engine, release: Release, dumps: Path) -> Engine:
    """Return a database of the release, with data."""
    restore(empty_engine, release, dumps if release == PRESENT else FOLDER)
    return empty_engine


def counts(engine: Engine) -> dict[str, int]:
    tables = set(inspect(engine).get_table_names()) - {"alembic_version"}
    with transaction(engine) as connection:
        return {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in sorted(tables)
        }


def refused_pages(engine: Engine) -> dict[str, int]:
    """Return the pages and lists that a lead can't read, with their statuses."""
    app = create_app(engine, Settings(), Secrets())
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
    return {page: status for page, status in statuses.items() if status >= 400}


def test_both_databases_and_digests_of_each_release_are_kept() -> None:
    names = {path.name for path in FOLDER.glob("*")}
    expected = {f"{r.version}.{kind}.sql" for r in releases.RELEASES for kind in dump_release.DUMPS}
    assert names == (expected | {DIGESTS} if expected else set())


def edited_migrations(folder: Path) -> set[str]:
    """Return the released migrations that are not what their digests say."""
    known = migrations.history()
    released = known[: known.index(releases.RELEASES[-1].revision) + 1]
    lines = (folder / DIGESTS).read_text().splitlines()
    written = {name: digest for digest, name in (line.split() for line in lines)}
    present = digests(released)
    return {
        name for name in present.keys() | written.keys() if present.get(name) != written.get(name)
    }


@pytest.mark.skipif(not releases.RELEASES, reason="nothing is released yet")
def test_migrations_of_releases_are_never_edited() -> None:
    """An edited migration gives new databases a schema that older ones never get."""
    assert edited_migrations(FOLDER) == set()


def test_an_edit_of_a_released_migration_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dump_release, "DUMPS", {})
    dump_release.write_release(PRESENT, tmp_path)
    with next_release(tmp_path / "code", EXPANSION) as folder:
        assert edited_migrations(tmp_path) == set()
        path = next(folder.glob(f"versions/{PRESENT.revision}_*.py"))
        path.write_text(path.read_text() + "\n")
        assert edited_migrations(tmp_path) == {path.name}


def test_a_dump_has_the_revision_of_its_release(database: Engine, release: Release) -> None:
    assert migrations.current_revision(database) == release.revision


def test_a_released_migration_gives_the_schema_of_its_time(database: Engine) -> None:
    """An edited migration would leave databases behind that no migration mends."""
    released, revision = schema(database), migrations.current_revision(database)
    assert revision is not None
    alembic_command(database, "downgrade", "base")
    alembic_command(database, "upgrade", revision)
    assert schema(database) == released


def test_a_released_database_is_migrated_with_its_data(database: Engine, release: Release) -> None:
    before = counts(database)
    assert min(before.values()) > 0, "every table of a release has a row in its dump"
    migrations.upgrade(database)
    migrations.require_current(database)
    assert added_names(database) == (ADDED if release == PRESENT else set())
    after = counts(database)
    assert {name: after[name] for name in before if name in after} == before
    assert refused_pages(database) == {}


def added_names(engine: Engine) -> set[tuple[str, str]]:
    """Return tables, and columns of tables, that a database has beside the declared ones."""
    names = set()
    for difference in differences(engine):
        kind = difference[0]
        if kind == "remove_table":
            names.add((difference[1].name, ""))
        elif kind == "remove_column":
            names.add((difference[2], difference[3].name))
        else:
            assert kind == "remove_index", difference
    return names
