"""Ids, labels and metadata of exchanges without personal data."""

from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.settings.models.names import ModelNames
from monitor.traffic.exchange import Exchange, Message
from monitor.traffic.redaction import Redactor, pseudonym_of_id, redact_exchange, redact_id
from monitor.traffic.redaction.text_scan import Span

REDACTOR = Redactor()
MAIL = "ann@example.org"


def exchange(**fields: Any) -> Exchange:
    basis: dict[str, Any] = {
        "exchange_id": "req-1",
        "occurred_at": datetime(2026, 11, 28, tzinfo=UTC),
        "messages": (Message("user", "hello"),),
        "response": "hi",
    }
    return Exchange(**{**basis, **fields})


def attributes_of(**attributes: Any) -> dict[str, Any]:
    return redact_exchange(exchange(attributes=attributes), REDACTOR).attributes


@pytest.mark.parametrize(
    "id_",
    [MAIL, f"chat/{MAIL}/7", "+44 20 7946 0958", "4111111111111111", "DE89370400440532013000"],
)
def test_personal_id_becomes_one_stable_pseudonym(id_: str) -> None:
    clean = redact_exchange(exchange(exchange_id=id_), REDACTOR).exchange_id

    assert pseudonym_of_id(id_) == clean == redact_id(id_, REDACTOR)
    assert id_ not in clean
    assert clean == redact_id(clean, REDACTOR)
    assert clean != pseudonym_of_id(id_ + "x")


@pytest.mark.parametrize(
    "id_",
    [
        "req-7f3a",
        "0",
        "123456",
        "chatcmpl-9aBcDeFgHiJkLmNoPqRsTuVwXyZ01",
        "6f1d2c3b-4111-4111-8111-111111111111",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "1793347200000",
    ],
)
def test_ordinary_ids_stay(id_: str) -> None:
    assert id_ == redact_id(id_, REDACTOR)


def test_detector_of_names_leaves_ids_of_exchanges() -> None:
    everything = Redactor(extra_finder=lambda text: [Span(0, len(text), "PERSON")])

    assert redact_id("req-1", everything) == "req-1"
    assert redact_id("req-1", None) == "req-1"


def test_task_type_with_personal_data_is_redacted() -> None:
    clean = redact_exchange(exchange(task_type=f"letters to {MAIL}"), REDACTOR)

    assert clean.task_type == "letters to [EMAIL]"
    assert redact_exchange(exchange(task_type="billing"), REDACTOR).task_type == "billing"


@pytest.mark.parametrize(
    ("model", "stored"),
    [(f"bot of {MAIL}", "bot of [EMAIL]"), (f"listed {MAIL}", f"listed {MAIL}"), ("", "")],
)
def test_only_unlisted_models_are_redacted(model: str, stored: str) -> None:
    names = ModelNames({f"listed {MAIL}": ()})

    assert stored == redact_exchange(exchange(model=model), REDACTOR, names).model
    assert model == redact_exchange(exchange(model=model), REDACTOR).model


@pytest.mark.parametrize(
    "model",
    ["gpt-4o-2024-08-06", "claude-3-5-sonnet-20241022", "ft:gpt-3.5-0613:acme::8A1B2"],
)
def test_common_names_of_models_stay(model: str) -> None:
    names = ModelNames({"assistant": ()})

    assert model == redact_exchange(exchange(model=model), REDACTOR, names).model


def test_names_of_metadata_are_redacted_without_loss() -> None:
    clean = attributes_of(**{MAIL: 1, "bob@example.org": 2, "latency": 0.5})

    assert clean == {"[EMAIL]": 1, "[EMAIL] 2": 2, "latency": 0.5}


@pytest.mark.parametrize(
    ("name", "number", "kind"),
    [
        ("card", 4111111111111111, "CARD"),
        ("value", 4111111111111111, "CARD"),
        ("card", 4111111111111111.0, "CARD"),
        ("cvv", 123, "SECURITY_CODE"),
        ("user_pin", 4711, "SECURITY_CODE"),
        ("bsn", 111222333, "NATIONAL_ID"),
        ("pesel", 44051401359, "NATIONAL_ID"),
        ("phone_number", 442079460958, "PHONE"),
    ],
)
def test_number_named_as_personal_data_is_redacted(name: str, number: float, kind: str) -> None:
    assert {name: f"[{kind}]"} == attributes_of(**{name: number})


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("latency_ms", 1234),
        ("call_duration_us", 601234567),
        ("tokens", 44051401359),
        ("started_at_ms", 1793347200000),
        ("started_at_ns", 1793347200000000000),
        ("score", 0.5),
        ("bsn", -111222333),
        ("card", True),
        ("total", 1e300),
        ("total", float("nan")),
        ("total", float("inf")),
    ],
)
def test_metrics_stay_numbers(name: str, number: float) -> None:
    clean = attributes_of(**{name: number})[name]

    assert type(number) is type(clean)
    assert repr(number) == repr(clean)


def test_trace_id_is_an_id() -> None:
    hexadecimal = "4bf92f3577b34da6a3ce929d0e0e4736"

    assert {"trace_id": hexadecimal} == attributes_of(trace_id=hexadecimal)
    assert {"trace_id": pseudonym_of_id(MAIL)} == attributes_of(trace_id=MAIL)


def texts_of(*turns: tuple[str, str], response: str = "ok") -> list[str]:
    messages = tuple(Message(role, content) for role, content in turns)
    clean = redact_exchange(exchange(messages=messages, response=response), REDACTOR)
    return [*(turn.content for turn in clean.messages), clean.response]


@pytest.mark.parametrize(
    ("first", "second", "redacted"),
    [
        ("my card is 4111 1111 ", "1111 1111, thanks", ["my card is [CARD] ", "[CARD], thanks"]),
        ("mail joan@", "example.org now", ["mail [EMAIL]", "[EMAIL] now"]),
        ("mail joan", "@example.org now", ["mail [EMAIL]", "[EMAIL] now"]),
        ("my PIN:", "4711", ["my PIN:", "[SECURITY_CODE]"]),
        ("version 2.0.", "1111 1111", ["version 2.0.", "1111 1111"]),
        ("a" * 200 + " 4111 1111", "1111 1111", ["a" * 200 + " [CARD]", "[CARD]"]),
        ("4111 1111", "1111 1111, cheers", ["[CARD]", "[CARD], cheers"]),
    ],
)
def test_value_over_two_turns_is_masked_in_both(
    first: str, second: str, redacted: list[str]
) -> None:
    assert [*redacted, "ok"] == texts_of(("user", first), ("user", second))
    assert [first, second, "ok"] == texts_of(("user", first), ("assistant", second))


def test_value_over_a_turn_and_the_response_is_masked() -> None:
    texts = texts_of(("assistant", "the card 4111 1111"), response="1111 1111 is yours")

    assert texts == ["the card [CARD]", "[CARD] is yours"]


def test_all_parts_of_a_conversation_are_normalised() -> None:
    call = r'send({"body": "{\"to\": \"joan\\u0040example.org\"}"})'
    texts = texts_of(("system", "of joan@example\uff0eorg"), ("tool", call), response=call)

    assert not any("joan" in text for text in texts)
    assert attributes_of(note="joan&#64;example.org") == {"note": "[EMAIL]"}
