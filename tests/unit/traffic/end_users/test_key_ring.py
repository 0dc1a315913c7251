"""Keys of the environment and of the database."""

import threading

import pytest
from sqlalchemy import Engine, select

from monitor.errors import ConfigurationError
from monitor.settings import Privacy, Secrets
from monitor.store.engine import transaction
from monitor.store.tables import UserIdKey
from monitor.traffic.end_users.key_ring import KeyRing, open_key_ring, read_key_ring
from tests.support.refusals import refusal
from tests.support.traffic.end_users import make_rules

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32


def opened(engine: Engine, keys: str = "", **privacy: bool) -> KeyRing:
    return open_key_ring(engine, Privacy(**privacy), Secrets(driftwarden_user_id_key=keys))


def read(engine: Engine, keys: str) -> KeyRing:
    with transaction(engine) as connection:
        return read_key_ring(connection, Secrets(driftwarden_user_id_key=keys))


def stored(engine: Engine) -> list[tuple[int, bool]]:
    with transaction(engine) as connection:
        rows = connection.execute(select(UserIdKey).order_by(UserIdKey.generation)).all()
    return [(row.generation, row.secret is not None) for row in rows]


def test_a_key_is_generated_once(engine: Engine) -> None:
    first, second = opened(engine), opened(engine)
    assert first.newest == second.newest
    assert first.is_generated
    assert stored(engine) == [(1, True)]


def test_reading_generates_no_key(engine: Engine) -> None:
    assert read(engine, "").keys == ()
    assert stored(engine) == []


def test_a_key_of_the_environment_is_not_stored(engine: Engine) -> None:
    ring = opened(engine, OLD)
    assert not ring.is_generated
    assert stored(engine) == [(1, False)]
    with transaction(engine) as connection:
        rows = connection.execute(select(UserIdKey)).all()
    assert OLD not in repr(rows)


def test_commands_adopt_no_new_key(engine: Engine) -> None:
    opened(engine)  # generated
    secrets = Secrets(driftwarden_user_id_key=NEW)
    with refusal("user_id_key_new", ConfigurationError):
        open_key_ring(engine, Privacy(), secrets, adopts_key=False)
    assert stored(engine) == [(1, True)]
    opened(engine, NEW)  # by the daemon
    assert open_key_ring(engine, Privacy(), secrets, adopts_key=False).newest.secret == NEW.encode()


def test_a_replica_with_another_key_is_refused(engine: Engine) -> None:
    opened(engine, OLD)
    with refusal("user_id_key_differs", ConfigurationError):
        opened(engine, OTHER)
    with refusal("user_id_key_missing", ConfigurationError):
        opened(engine)
    assert stored(engine) == [(1, False)]


def test_a_rotated_key_finds_and_the_old_is_refused(engine: Engine) -> None:
    before = opened(engine, OLD)
    ring = opened(engine, f"{NEW}, {OLD}")
    assert [key.check_value for key in ring.keys][1] == before.newest.check_value
    assert ring.missing == ()
    with refusal("user_id_key_outdated", ConfigurationError):
        opened(engine, OLD)
    with refusal("user_id_key_outdated", ConfigurationError):
        opened(engine, f"{OLD},{NEW}")
    assert [row.generation for row in opened(engine, NEW).missing] == [1]


def test_a_running_replica_notices_a_newer_key(engine: Engine) -> None:
    rules = make_rules(engine, key=OLD)
    opened(engine, f"{NEW},{OLD}")
    with refusal("user_id_key_outdated", ConfigurationError):
        rules.refresh()


def test_a_key_of_the_environment_follows_a_generated_one(engine: Engine) -> None:
    generated = opened(engine)
    ring = opened(engine, NEW)
    assert ring.keys[1] == generated.newest
    assert not ring.is_generated
    moved = opened(engine, f"{NEW},{generated.newest.secret.decode()}")
    assert moved.keys == ring.keys
    assert stored(engine) == [(1, False), (2, False)]


def test_a_required_key_is_not_generated(engine: Engine) -> None:
    with refusal("user_id_key_required", ConfigurationError):
        opened(engine, require_key=True)
    assert stored(engine) == []


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ("short", "user_id_key_short"),
        (f"{OLD},", "user_id_key_short"),
        (f"{OLD},{OLD}", "user_id_key_twice"),
    ],
)
def test_unusable_keys_are_refused(engine: Engine, keys: str, code: str) -> None:
    with refusal(code, ConfigurationError) as refused:
        opened(engine, keys)
    assert OLD not in str(refused.value)


def test_replicas_that_start_at_once_agree(engine: Engine) -> None:
    rings: list[KeyRing] = []
    threads = [threading.Thread(target=lambda: rings.append(opened(engine))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rings) == 4
    assert len({ring.newest.check_value for ring in rings}) == 1
