"""The lease of the leader, and the fence: nothing of an ended epoch commits."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, event, select, text, update
from sqlalchemy.exc import DBAPIError

from monitor.errors import DatabaseUnavailableError, LostLeadershipError
from monitor.store import leadership as module
from monitor.store.audit_log import append_entry
from monitor.store.engine import snapshot, transaction
from monitor.store.leadership import (
    acting_under,
    current_lease,
    fence,
    renew_lease,
    take_lease,
)
from monitor.store.tables import AuditEntry, Leadership
from tests.support.present import utc_now

LEASE = timedelta(seconds=30)


def take(engine: Engine, holder: str, duration: timedelta = LEASE) -> int | None:
    with transaction(engine) as connection:
        return take_lease(connection, holder, duration)


def expire(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(update(Leadership).values(expires_at=datetime(2026, 1, 1, tzinfo=UTC)))


def write(connection: Connection, actor: str) -> None:
    append_entry(connection, utc_now(), actor, "tried", "database")


def actors(engine: Engine) -> list[str]:
    with transaction(engine) as connection:
        return list(connection.execute(select(AuditEntry.actor)).scalars())


def test_lease_is_taken_once_until_it_expires(any_engine: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        epochs = list(pool.map(lambda name: take(any_engine, name), "abcd"))
    assert sorted(epoch or 0 for epoch in epochs) == [0, 0, 0, 1]
    assert take(any_engine, "e") is None
    expire(any_engine)
    with transaction(any_engine) as connection:
        lease = current_lease(connection)
        assert lease is not None
        assert (lease.held, lease.holder) == (False, "abcd"[epochs.index(1)])
    assert take(any_engine, "e") == 2


def test_holder_takes_its_own_lease_anew(any_engine: Engine) -> None:
    """The connection is cut after the commit: the process does not know that it leads."""
    assert [take(any_engine, name) for name in "aab"] == [1, 2, None]


def test_renewal_needs_the_epoch(any_engine: Engine) -> None:
    assert take(any_engine, "a", timedelta()) == 1
    with transaction(any_engine) as connection:  # expired, and nobody else has taken it
        assert renew_lease(connection, 1, LEASE)
    assert take(any_engine, "b") is None
    with transaction(any_engine) as connection:
        assert renew_lease(connection, 1, timedelta())
    assert take(any_engine, "b") == 2
    with transaction(any_engine) as connection:
        assert not renew_lease(connection, 1, LEASE)
        lease = current_lease(connection)
    assert lease is not None
    assert (lease.epoch, lease.holder, lease.held) == (2, "b", True)


def test_expiry_is_by_the_clock_of_the_database(postgres_engine: Engine) -> None:
    """A replica whose clock is an hour ahead takes nothing."""
    take(postgres_engine, "a")
    with transaction(postgres_engine) as connection:
        left = connection.execute(
            text("SELECT extract(epoch FROM expires_at - clock_timestamp()) FROM leadership")
        ).scalar_one()
    assert 29.0 < left <= 30.0


@pytest.mark.parametrize("epoch", [None, 1, 3])
def test_transaction_of_another_epoch_is_rolled_back(any_engine: Engine, epoch: int | None) -> None:
    fenced = fence(any_engine)
    with acting_under(epoch), pytest.raises(LostLeadershipError), transaction(fenced) as connection:
        write(connection, "nobody has led yet")
    for holder in ("a", "b"):
        expire(any_engine)
        take(any_engine, holder)
    with acting_under(2), transaction(fenced) as connection:
        write(connection, "leader")
    with acting_under(epoch), pytest.raises(LostLeadershipError), transaction(fenced) as connection:
        write(connection, "other")
    assert actors(any_engine) == ["leader"]


def test_job_of_an_earlier_term_commits_nothing_in_a_later(any_engine: Engine) -> None:
    take(any_engine, "a", timedelta())
    fenced = fence(any_engine)
    with acting_under(1):
        for epoch in (2, 3):  # another one led meanwhile, then this process again
            assert take(any_engine, "a", timedelta()) == epoch
        with pytest.raises(LostLeadershipError), transaction(fenced) as connection:
            write(connection, "a")
    assert actors(any_engine) == []


def test_renewal_passes_a_transaction_that_is_committing(postgres_engine: Engine) -> None:
    take(postgres_engine, "a")
    fenced = fence(postgres_engine)

    @event.listens_for(fenced, "commit")
    def renew(_connection: Connection) -> None:
        with transaction(postgres_engine) as other:
            assert renew_lease(other, 1, LEASE)

    with acting_under(1), transaction(fenced) as connection:
        write(connection, "a")
    assert actors(postgres_engine) == ["a"]


@pytest.mark.parametrize("pause", [0.5, 3.0])
def test_change_of_the_holder_waits_for_a_commit(
    postgres_engine: Engine, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    """A leader that freezes between check and commit is cut off by the server."""
    monkeypatch.setattr(module, "MAX_COMMIT_SECONDS", 1.0)
    take(postgres_engine, "a", timedelta())
    fenced = fence(postgres_engine)
    checked, committed = threading.Event(), threading.Event()

    @event.listens_for(fenced, "commit")
    def freeze(_connection: Connection) -> None:
        checked.set()
        time.sleep(pause)

    def act() -> str:
        with acting_under(1):
            try:
                with transaction(fenced) as connection:
                    write(connection, "a")
            except DatabaseUnavailableError:
                return "refused"
            committed.set()
            return "committed"

    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(act)
        assert checked.wait(10)
        began = time.monotonic()
        assert take(postgres_engine, "b") == 2
        assert time.monotonic() - began < 2.5
        seen = actors(postgres_engine)
    if pause < 1.0:
        assert (outcome.result(), seen) == ("committed", ["a"])
    else:
        assert (outcome.result(), seen, actors(postgres_engine)) == ("refused", [], [])


@pytest.mark.parametrize("step", ["renew", "take"])
def test_replica_frozen_in_a_renewal_is_cut_off(
    postgres_engine: Engine, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(module, "MAX_COMMIT_SECONDS", 0.5)
    take(postgres_engine, "a", timedelta())

    def freeze() -> None:
        with transaction(postgres_engine) as connection:
            if step == "renew":
                assert renew_lease(connection, 1, LEASE)
            else:
                assert take_lease(connection, "b", LEASE) == 2
            assert take(postgres_engine, "c") == 2

    with ThreadPoolExecutor(1) as pool, pytest.raises(DatabaseUnavailableError):
        pool.submit(freeze).result(timeout=20)


def test_frozen_leader_holds_no_row_for_long(
    postgres_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_IDLE_SECONDS", 0.5)
    take(postgres_engine, "a")
    fenced = fence(postgres_engine)

    def freeze() -> None:
        with transaction(fenced) as connection:
            connection.execute(text("LOCK TABLE exchanges"))
            with transaction(postgres_engine) as other:
                other.execute(text("LOCK TABLE exchanges"))
            write(connection, "a")

    with acting_under(1), pytest.raises(DatabaseUnavailableError):
        freeze()


def test_snapshot_of_the_leader_writes_nothing_and_is_not_cut(
    postgres_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_IDLE_SECONDS", 0.2)
    take(postgres_engine, "a")
    fenced = fence(postgres_engine)
    with acting_under(1), snapshot(fenced) as connection:
        connection.execute(select(Leadership.epoch))
        with transaction(postgres_engine) as other:
            assert renew_lease(other, 1, LEASE)
        time.sleep(0.5)
        assert connection.execute(select(Leadership.epoch)).scalar_one() == 1
    with pytest.raises(DBAPIError), acting_under(1), snapshot(fenced) as connection:
        write(connection, "a")
    with acting_under(1), transaction(fenced) as connection:  # the pool's connection writes again
        write(connection, "b")
    assert actors(postgres_engine) == ["b"]
