"""Return to the released schema before: with data, and never a row lost without consent."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from monitor.errors import DataLossError, InputError, SchemaError
from monitor.store import migrations
from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.schema import releases
from monitor.store.schema.downgrading import downgrade
from monitor.store.schema.releases import release_before, release_of
from tests.migration.made_up import PRESENT
from tests.migration.test_released_schemas import counts
from tests.support.refusals import refusal
from tests.support.schema import schema


def test_a_database_returns_to_the_release_and_comes_back(
    released: Engine, next_code: Path
) -> None:
    described, before = schema(released), counts(released)
    with transaction(released) as connection:
        users = connection.execute(text("SELECT id, name FROM users ORDER BY id")).all()
    migrations.upgrade(released)
    done = downgrade(released, discard=True)
    assert (done.before, done.release) == (migrations.head_revision(), PRESENT)
    assert schema(released) == described
    after = counts(released)
    assert {**after, "audit_log": after["audit_log"] - 1} == before
    with transaction(released) as connection:
        assert connection.execute(text("SELECT id, name FROM users ORDER BY id")).all() == users
        chain = check_chain(connection)
        assert (chain.broken_at, chain.n_entries) == (None, after["audit_log"])
    migrations.upgrade(released)
    migrations.require_current(released)


def test_rows_and_values_without_a_place_are_listed(released: Engine, next_code: Path) -> None:
    """Of a new table, of new columns, and rows of a table that stays, which are deleted."""
    migrations.upgrade(released)
    with transaction(released) as connection:
        connection.execute(text("UPDATE users SET nickname = 'Ann' WHERE name = 'Lea'"))
        newest = "(SELECT max(id) FROM incidents)"
        for table in ("outbox", "incident_threads"):
            connection.execute(text(f"DELETE FROM {table} WHERE incident_id = {newest}"))
        connection.execute(text(f"UPDATE incidents SET urgency = 0 WHERE id = {newest}"))
    before = counts(released)
    with refusal("data_loss", DataLossError) as refused:
        downgrade(released)
    listed = {line.strip() for line in str(refused.value).split("place for: ")[1].split(";")}
    n_users, n_incidents = before["users"], before["incidents"]
    assert {
        f"nicknames: {n_users} rows", "incidents: 1 row", "users.nickname: 1 value",
        "incidents.urgency: 1 value",
    } <= listed  # fmt: skip
    assert n_incidents > 0
    assert not any("priority" in line for line in listed), "it has its default in each row"
    assert counts(released) == before
    assert migrations.current_revision(released) == migrations.head_revision()
    done = downgrade(released, discard=True)
    assert {str(loss) for loss in done.losses} <= listed
    assert "nicknames" not in inspect(released).get_table_names()
    assert counts(released)["incidents"] == n_incidents - 1
    with transaction(released) as connection:
        details = connection.execute(
            text("SELECT details FROM audit_log ORDER BY id DESC LIMIT 1")
        ).scalar_one()
    assert "users.nickname" in str(details)


def test_nothing_is_asked_where_nothing_is_lost(empty_engine: Engine, next_code: Path) -> None:
    migrations.upgrade(empty_engine)
    assert downgrade(empty_engine).losses == []
    assert migrations.current_revision(empty_engine) == PRESENT.revision


def test_a_release_that_is_unknown_or_newer_is_refused(
    empty_engine: Engine, next_code: Path
) -> None:
    with pytest.raises((InputError, SchemaError), match=r"(is empty|no such database)"):
        downgrade(empty_engine)
    with transaction(empty_engine) as connection:
        migrations.run_migrations(connection, "upgrade", PRESENT.revision)
    with refusal("first_release", InputError):
        downgrade(empty_engine)
    with refusal("unknown", InputError):
        downgrade(empty_engine, "9.9.9")
    with refusal("not_older", InputError):
        downgrade(empty_engine, PRESENT.version)


def test_releases_are_in_the_order_of_their_revisions(next_code: Path) -> None:
    history = migrations.history()
    places = [history.index(release.revision) for release in releases.RELEASES]
    assert places == sorted(places)  # a release may keep the schema of the one before
    assert release_of(history[-1], history) == PRESENT
    assert release_before(history[-1], history) == PRESENT
    assert release_before(history[0], history) is None
