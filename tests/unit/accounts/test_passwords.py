"""Which passwords are taken, and that names which nobody has cost the same work."""

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine

from monitor.accounts import passwords
from monitor.accounts.passwords import (
    check_strength,
    generate_password,
    hash_password,
    verify_password,
)
from monitor.accounts.registration import check_password, create_user
from monitor.errors import InputError
from monitor.store.accounts.users import insert_user, set_active
from monitor.store.engine import transaction


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("elevenchars", "at least 12"),
        ("x" * 1025, "at most 1024"),
        ("abababababab", "different characters"),
        ("Password1234!", "tried"),
        ("123456789012", "tried"),
        ("my name is Lovelace!", "own name"),
        ("DriftWarden-2026", "tried"),
    ],
)
def test_what_is_guessed_early_is_refused(password: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        check_strength(password, "Ada Lovelace")


def test_long_sentences_and_generated_ones_are_taken() -> None:
    check_strength("lamps over quiet harbours", "Ada Lovelace")
    check_strength("Ünïcödé Gärtén 12", "Ada")
    check_strength(generate_password("Ada"), "Ada")


def test_a_hash_costs_a_guesser_what_owasp_asks_for(production_hasher: PasswordHasher) -> None:
    assert "ID" == production_hasher.type.name
    assert production_hasher.memory_cost >= 19 * 1024  # KiB
    assert production_hasher.time_cost >= 2


def test_a_hash_is_argon2id_and_forgives_how_a_keyboard_writes() -> None:
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
        insert_user(connection, "Invited", "", "reviewer", clock)
    parameters: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
            parameters.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    for name in ("Ada", "Gone", "Invited", "Nobody", ""):
        assert None is check_password(engine, name, "wrong")
    assert 5 == len(parameters)
    assert 1 == len(set(parameters)), "with the same parameters"
    for name in ("Gone", "Invited"):
        assert None is check_password(engine, name, "lamps over quiet harbours")
