"""Chain of hashes over the access log: changes that bypass the program, ages, late entries."""

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, delete, func, select, text, update
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.daemon.weekly_digest import _describe_access_log
from monitor.privacy.retention.application import apply_retention
from monitor.settings import Retention
from monitor.store import access_chain
from monitor.store.access_chain import (
    AccessChainCheck,
    chain_head,
    check_access_chain,
    link_entries,
)
from monitor.store.access_log import Access, append_access
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import AccessEntry, AccessLink
from tests.integration.store.test_audit_log import drop_triggers
from tests.support.migrated_copy import migrate

N = 7
DAY = timedelta(days=1)


def read_item(connection: Connection, number: int, at: datetime) -> None:
    append_access(
        connection,
        Access(
            occurred_at=at, source="web", actor="Ada", action="read", kind="item",
            object_id=str(number), place=f"/review/{number}", address="10.0.0.7", peer="10.0.0.1",
        ),
    )  # fmt: skip


@pytest.fixture
def linked(any_engine: Engine, clock: datetime) -> Engine:
    """Return a database with an entry a day, all linked."""
    with transaction(any_engine) as connection:
        for number in range(N):
            read_item(connection, number, clock + number * DAY)
        assert link_entries(connection) == N
        assert link_entries(connection) == 0
    return any_engine


def check(engine: Engine, expected: str | None = None) -> AccessChainCheck:
    with transaction(engine) as connection:
        return check_access_chain(connection, expected)


def test_an_untouched_log_is_intact(linked: Engine) -> None:
    result = check(linked)
    assert (result.n_links, result.broken_at, result.n_unlinked) == (N, None, 0)
    assert not check(linked, "0" * 63 + "1").holds_expected
    assert check(linked, result.head.hash).holds_expected


@pytest.mark.parametrize(
    "column", ["actor", "address", "peer", "object_id", "place", "occurred_at"]
)
def test_a_changed_entry_is_found(linked: Engine, clock: datetime, column: str) -> None:
    with transaction(linked) as connection:
        ids = list(connection.execute(select(AccessEntry.id).order_by(AccessEntry.id)).scalars())
        drop_access_triggers(connection)
        value = clock if column == "occurred_at" else "x"
        connection.execute(
            update(AccessEntry).where(AccessEntry.id == ids[3]).values(**{column: value})
        )
    assert check(linked).broken_at == 4


@pytest.mark.parametrize("position", [1, 4, N])
def test_a_removed_entry_is_found(linked: Engine, position: int) -> None:
    with transaction(linked) as connection:
        entry_id = select(AccessLink.entry_id).where(AccessLink.position == position)
        removed = connection.execute(entry_id).scalar_one()
        connection.execute(delete(AccessEntry).where(AccessEntry.id == removed))
    assert (check(linked).broken_at, check(linked).problem) == (position, "its entry was removed")


@pytest.mark.parametrize("position", [1, 4])
def test_an_entry_removed_with_its_link_is_found(linked: Engine, position: int) -> None:
    with transaction(linked) as connection:
        entry_id = select(AccessLink.entry_id).where(AccessLink.position == position)
        removed = connection.execute(entry_id).scalar_one()
        connection.execute(delete(AccessEntry).where(AccessEntry.id == removed))
        connection.execute(delete(AccessLink).where(AccessLink.position == position))
    assert check(linked).broken_at == position + 1


def test_a_cut_end_is_found_from_outside(linked: Engine) -> None:
    head_before = check(linked).head
    with transaction(linked) as connection:
        digest_line = _describe_access_log(connection)
        last = select(func.max(AccessEntry.id)).scalar_subquery()
        connection.execute(delete(AccessEntry).where(AccessEntry.id == last))
        connection.execute(delete(AccessLink).where(AccessLink.position == N))
    assert head_before.hash in digest_line
    result = check(linked, head_before.hash)
    assert result.broken_at is None, "the rest is a chain of its own"
    assert not result.holds_expected
    assert result.head.position < head_before.position, "the metric falls"


def test_ages_remove_a_stretch_and_the_rest_holds(linked: Engine, clock: datetime) -> None:
    now, retention = clock + (N + 30) * DAY, Retention(access_log=timedelta(days=34))
    apply_retention(linked, retention, now)
    result = check(linked)
    assert (result.n_links, result.broken_at, result.head.position) == (4, None, N)
    with transaction(linked) as connection:
        read_item(connection, N, now)
        link_entries(connection)
    assert check(linked).n_links == 5
    apply_retention(linked, retention, now + 100 * DAY)
    assert (check(linked).n_links, check(linked).head.position) == (0, N + 1)
    with transaction(linked) as connection:
        assert connection.execute(select(func.count(AccessLink.position))).scalar_one() == 1
        read_item(connection, N + 1, now + 100 * DAY)
        link_entries(connection)
    assert (check(linked).n_links, check(linked).broken_at) == (1, None)


def test_a_stretch_removed_like_an_age_is_found(linked: Engine, clock: datetime) -> None:
    apply_retention(linked, Retention(access_log=timedelta(days=34)), clock + (N + 30) * DAY)
    with transaction(linked) as connection:
        ids = select(AccessLink.entry_id).where(AccessLink.position <= 5)
        connection.execute(delete(AccessEntry).where(AccessEntry.id.in_(ids)))
        connection.execute(delete(AccessLink).where(AccessLink.position < 5))
    assert check(linked).broken_at is not None


def test_an_interrupted_removal_is_no_alarm(linked: Engine, clock: datetime) -> None:
    now, retention = clock + (N + 30) * DAY, Retention(access_log=timedelta(days=34))
    n_left = set()
    for killed_after in range(0, 60, 4):
        steps = iter([True] * killed_after)
        apply_retention(linked, retention, now, may_continue=partial(next, steps, False))
        with transaction(linked) as connection:
            link_entries(connection)  # of the stretch that still waits for its removal, too
            n_left.add(connection.execute(select(func.count(AccessEntry.id))).scalar_one())
        assert check(linked).broken_at is None
    assert n_left == {N, 4}


def test_a_late_entry_is_linked_and_its_number_kept(
    any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_chain, "LINKS_AT_ONCE", 2)
    with transaction(any_engine) as connection:
        for number in range(5):
            read_item(connection, number, clock)
        late = connection.execute(select(AccessEntry.__table__).limit(1)).mappings().one()
        connection.execute(delete(AccessEntry).where(AccessEntry.id == late["id"]))
        assert [link_entries(connection) for _ in range(3)] == [2, 2, 0]
        connection.execute(AccessEntry.__table__.insert().values(**late))
    assert (check(any_engine).n_links, check(any_engine).n_unlinked) == (4, 1)
    with transaction(any_engine) as connection:
        assert link_entries(connection) == 1
        assert chain_head(connection).position == 5
    assert (check(any_engine).n_links, check(any_engine).broken_at) == (5, None)


def test_the_command_names_the_broken_link(tmp_path: Path, clock: datetime) -> None:
    url = f"sqlite:///{tmp_path / 'driftwarden.db'}"
    (tmp_path / "config.toml").write_text(f'database.url = "{url}"\n')
    engine = make_engine(url)
    migrate(engine)
    with transaction(engine) as connection:
        for number in range(3):
            read_item(connection, number, clock)
        link_entries(connection)
    command = ["access-log", "--verify", "--config", str(tmp_path / "config.toml")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0
    head = result.output.splitlines()[-1]
    assert CliRunner().invoke(app, [*command, "--expect", head]).exit_code == 0
    assert CliRunner().invoke(app, [*command, "--expect", "0" * 63 + "1"]).exit_code == 1
    with transaction(engine) as connection:
        drop_triggers(connection)
        connection.execute(text("UPDATE access_log SET actor = 'Bob' WHERE id = 2"))
    broken = CliRunner().invoke(app, command)
    assert broken.exit_code == 1
    assert "link 2" in str(broken.exception or broken.output)


def drop_access_triggers(connection: Connection) -> None:
    """Drop the trigger that refuses changes, as only the owner of the database can."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE access_log DISABLE TRIGGER USER"))
    else:
        drop_triggers(connection)
