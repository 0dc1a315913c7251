"""Return to the released schema before: with data, and never a row lost without consent."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, insert, inspect, select, text

from monitor.errors import DataLossError, InputError, SchemaError
from monitor.store import migrations
from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.schema.downgrading import downgrade
from monitor.store.schema.releases import RELEASES, release_before, release_of
from monitor.store.tables import Incident, User
from tests.migration.test_released_schemas import counts, restore
from tests.support.refusals import refusal
from tests.support.schema import schema

NOW = datetime(2026, 11, 5, tzinfo=UTC)


def test_a_database_returns_to_the_release_and_comes_back(empty_engine: Engine) -> None:
    restore(empty_engine, "0.2.0")
    released, before = schema(empty_engine), counts(empty_engine)
    with transaction(empty_engine) as connection:
        users = connection.execute(text("SELECT id, name FROM users ORDER BY id")).all()
    migrations.upgrade(empty_engine)
    done = downgrade(empty_engine, discard=True)
    assert (done.before, done.release) == (migrations.head_revision(), RELEASES[0])
    assert schema(empty_engine) == released
    after = counts(empty_engine)
    assert {**after, "audit_log": after["audit_log"] - 1} == before
    with transaction(empty_engine) as connection:
        assert connection.execute(text("SELECT id, name FROM users ORDER BY id")).all() == users
        chain = check_chain(connection)
        assert (chain.broken_at, chain.n_entries) == (None, after["audit_log"])
    migrations.upgrade(empty_engine)
    migrations.require_current(empty_engine)


def test_rows_and_values_without_a_place_are_listed(empty_engine: Engine) -> None:
    """Of a new table, of a new column, and rows of a table that stays, which are deleted."""
    with transaction(empty_engine) as connection:
        migrations.create_newest(connection)
        common = {"model": "m", "status": "open", "fingerprint": "", "severity": 0.1}
        for cause in ("drift", "no_traffic"):
            values = {**common, "cause": cause, "opened_at": NOW}
            connection.execute(insert(Incident).values(values))
        name = {"name": "Ann", "password_hash": "", "created_at": NOW}
        connection.execute(insert(User).values(**name, slack_user_id="U1"))
        connection.execute(
            text(
                "INSERT INTO leadership VALUES (1, 4, 'host', '2026-11-01 00:00:00', "
                "'2026-11-01 00:00:30')"
            )
        )
    before = counts(empty_engine)
    with refusal("data_loss", DataLossError) as refused:
        downgrade(empty_engine)
    listed = {line.strip() for line in str(refused.value).split("place for: ")[1].split(";")}
    assert {"leadership: 1 row", "incidents: 1 row", "users.slack_user_id: 1 value"} <= listed
    assert counts(empty_engine) == before
    assert migrations.current_revision(empty_engine) == migrations.head_revision()
    downgrade(empty_engine, discard=True)
    assert "leadership" not in inspect(empty_engine).get_table_names()
    with transaction(empty_engine) as connection:
        details = connection.execute(
            text("SELECT details FROM audit_log ORDER BY id DESC LIMIT 1")
        ).scalar_one()
    assert "users.slack_user_id" in str(details)


def test_nothing_is_asked_where_nothing_is_lost(empty_engine: Engine) -> None:
    with transaction(empty_engine) as connection:
        migrations.create_newest(connection)
        name = {"name": "Ann", "password_hash": "", "created_at": NOW}
        connection.execute(insert(User).values(name))
    assert downgrade(empty_engine).losses == []
    with transaction(empty_engine) as connection:
        assert connection.execute(select(User.name)).scalars().all() == ["Ann"]


def test_a_release_that_is_unknown_or_newer_is_refused(empty_engine: Engine) -> None:
    with pytest.raises((InputError, SchemaError), match=r"(is empty|no such database)"):
        downgrade(empty_engine)
    restore(empty_engine, "0.2.0")
    with refusal("first_release", InputError):
        downgrade(empty_engine)
    with refusal("unknown", InputError):
        downgrade(empty_engine, "9.9.9")
    with refusal("not_older", InputError):
        downgrade(empty_engine, "0.2.0")


def test_releases_are_in_the_order_of_their_revisions() -> None:
    history = migrations.history()
    places = [history.index(release.revision) for release in RELEASES]
    assert places == sorted(set(places))
    head = migrations.head_revision()
    assert release_of(head, history) == RELEASES[-1]
    assert release_before("0010", history) == RELEASES[0]
    assert release_before(RELEASES[0].revision, history) is None
