"""Passwords: the strength check, hashes, and equal work for unknown names."""

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine

from monitor.accounts import passwords
from monitor.accounts.authentication import authenticate
from monitor.accounts.passwords import (
    check_strength,
    generate_password,
    hash_password,
    verify_password,
)
from monitor.accounts.registration import create_user
from monitor.errors import InputError
from monitor.store.accounts.users import insert_user, set_active
from monitor.store.engine import transaction


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("elevenchars", "at least 12"),
        ("x" * 1025, "at most 1024"),
        ("abababababab", "different characters"),
        ("Password1234!", "most common"),
        ("123456789012", "most common"),
        ("my name is Lovelace!", "user's name"),
        ("DriftWarden-2026", "most common"),
    ],
)
def test_a_weak_password_is_refused(password: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        check_strength(password, "Ada Lovelace")


def test_sentences_and_generated_passwords_are_accepted() -> None:
    check_strength("lamps over quiet harbours", "Ada Lovelace")
    check_strength("Ünïcödé Gärtén 12", "Ada")
    check_strength(generate_password("Ada"), "Ada")


def test_hash_parameters_meet_owasp(production_hasher: PasswordHasher) -> None:
    assert production_hasher.type.name == "ID"
    assert production_hasher.memory_cost >= 19 * 1024  # KiB
    assert production_hasher.time_cost >= 2


def test_hashes_are_argon2id_of_normalized_text() -> None:
    stored = hash_password("Gärten über dem Hafen")
    assert stored.startswith("$argon2id$")
    assert verify_password(stored, "Gärten über dem Hafen")  # the same, decomposed
    assert not verify_password(stored, "Garten uber dem Hafen")
    assert not verify_password(None, "anything")
    assert not verify_password("", "")


def test_unknown_names_cost_the_same_work(
    engine: Engine, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(engine) as connection:
        create_user(connection, "Ada", "lamps over quiet harbours", "reviewer", clock)
        gone = create_user(connection, "Gone", "lamps over quiet harbours", "reviewer", clock)
        set_active(connection, gone, active=False)
        insert_user(connection, "Invited", "", clock)
    parameters: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
            parameters.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    for name in ("Ada", "Gone", "Invited", "Nobody", ""):
        assert None is authenticate(engine, name, "wrong")
    assert len(parameters) == 5
    assert len(set(parameters)) == 1, "with the same parameters"
    for name in ("Gone", "Invited"):
        assert None is authenticate(engine, name, "lamps over quiet harbours")
