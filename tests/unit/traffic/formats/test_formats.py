"""Recognition and fields of each format, on production records."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from monitor.errors import RecordError
from monitor.settings import Traffic, TrafficFields
from monitor.traffic import formats
from monitor.traffic.decoder import Decoded
from monitor.traffic.exchange import Exchange, Message
from monitor.traffic.formats import FORMATS
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import RawExchange
from tests.support.traffic.fixture_files import (
    JOINED,
    NAMES,
    OCCURRED_AT,
    decode,
    format_of,
    options_of,
    read,
    read_one,
    values,
)


def test_the_settings_and_the_table_name_the_same_formats() -> None:
    assert {"auto", *FORMATS} == set(get_args(Traffic.model_fields["format"].annotation))


def test_the_comment_in_config_toml_names_every_format() -> None:
    text = (Path(__file__).parents[4] / "config.toml").read_text(encoding="utf-8")
    (comment,) = re.findall(r"^traffic\.format = .*#(.*)$", text, re.MULTILINE)
    assert {"auto", *FORMATS} == set(re.findall(r'"(\w+)"', comment))


def test_every_format_has_a_fixture() -> None:
    assert set(FORMATS) == {format_of(name) for name in NAMES}


def test_a_format_is_a_file_with_one_function() -> None:
    folder = Path(formats.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert files == set(FORMATS)
    for name in files:
        module = FORMATS[name].read.__globals__
        public = [
            entry
            for entry, value in module.items()
            if getattr(value, "__module__", "") == f"monitor.traffic.formats.{name}"
            and not entry.startswith("_")
        ]
        assert public == ["read"]


@pytest.mark.parametrize("name", NAMES)
def test_a_record_is_known_first_by_its_own_format(name: str) -> None:
    own = format_of(name)
    for value in values(name):
        payload = Payload(value, fields=TrafficFields(**options_of(name).get("fields", {})))
        knowing = (entry for entry, (read, _) in FORMATS.items() if read(payload) is not None)
        assert own == next(knowing)


@pytest.mark.parametrize("name", NAMES)
def test_naming_the_format_changes_nothing(name: str) -> None:
    guessed = read(name, join=JOINED)
    named = read(name, join=JOINED, format=format_of(name))
    assert guessed == named


def test_plain_with_every_field() -> None:
    assert Exchange(
        exchange_id="req-7f3a",
        occurred_at=OCCURRED_AT,
        model="support",
        task_type="card_lost",
        end_user="customer-00765",
        messages=(Message("user", "I left my card on the train."),),
        response="cards: block card",
        attributes={"resolved": True, "rating": 4, "region": "eu"},
    ) == read_one("plain")


def test_plain_with_a_conversation() -> None:
    exchange = read_one("plain_conversation")

    assert [message.role for message in exchange.messages] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert exchange.prompt == "What is this charge?"
    assert (exchange.end_user, exchange.occurred_at) == ("765", OCCURRED_AT)


def test_litellm_with_every_field() -> None:
    assert Exchange(
        exchange_id="chatcmpl-2299b6a2",
        occurred_at=OCCURRED_AT + timedelta(seconds=0.25),
        model="support",
        task_type="card_lost",
        end_user="customer-00765",
        messages=(
            Message("system", "Route the request."),
            Message("user", "I left my card on the train."),
        ),
        response="cards: block card",
        attributes={
            "finish_reason": "stop",
            "refusal": False,
            "prompt_tokens": 36,
            "completion_tokens": 5,
            "latency_seconds": 1.5,
            "time_to_first_token_seconds": 0.5,
            "cost_usd": 0.000225,
            "trace_id": "0b5a7a6e-6c2b-4d52-9d58-8c7a0f1f5a11",
            "task_type": "card_lost",
            "rating": 4,
            "deployment": "9f1c",
            "cache_hit": False,
        },
    ) == read_one("litellm_success")


@pytest.mark.parametrize("name", ["litellm_redacted", "litellm_redacted_text"])
def test_texts_redacted_by_litellm_are_withheld(name: str) -> None:
    assert read_one(name).withheld


@pytest.mark.parametrize(
    ("end_user", "key_user", "user"),
    [("default_user_id", "u1", "u1"), ("default_user_id", None, "s1"), ("u0", "u1", "u0")],
)
def test_default_user_of_litellm_is_no_user(end_user: str, key_user: str | None, user: str) -> None:
    call = {
        "call_type": "acompletion",
        "messages": "Hello",
        "response": "Hi",
        "end_user": end_user,
        "metadata": {"user_api_key_end_user_id": key_user},
        "session_id": "s1",
    }
    (raw,) = FORMATS["litellm"].read(Payload.of(call)) or ()
    assert isinstance(raw, RawExchange)
    assert raw.end_user == user


def test_a_call_that_litellm_logs_as_failed_has_its_error() -> None:
    exchange = read_one("litellm_failure")

    assert (exchange.response, exchange.attributes["error"]) == ("", "RateLimitError")
    assert exchange.attributes["latency_seconds"] == 30.0


def test_embedding_calls_of_litellm_are_ignored() -> None:
    assert Decoded(n_ignored=1) == read("litellm_embedding")


def test_litellm_with_the_responses_api_and_times_as_text() -> None:
    exchange = read_one("litellm_responses")

    assert exchange.prompt == "How do I raise my limit?"
    assert exchange.response == "Your limit is 2000. Raise it under Settings."
    assert OCCURRED_AT + timedelta(seconds=0.25) == exchange.occurred_at
    assert exchange.attributes["latency_seconds"] == 1.5


def test_mapped_with_every_field() -> None:
    assert Exchange(
        exchange_id="c-17",
        occurred_at=OCCURRED_AT,
        model="bank-router-v3",
        task_type="card_lost",
        end_user="765",
        messages=(Message("user", "I left my card on the train."),),
        response="cards: block card",
        attributes={"feedback.thumbs_up": True, "latency_seconds": 0.41},
    ) == read_one("mapped")


@pytest.mark.parametrize(
    ("key", "options"), [("prompt", {}), ("turns", {"fields": {"prompt": "turns"}})]
)
def test_a_conversation_that_ends_with_the_assistant_holds_the_response(
    key: str, options: dict[str, Any]
) -> None:
    turns = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]

    (whole,) = decode({key: turns}, **options).exchanges
    assert (whole.prompt, whole.response, len(whole.messages)) == ("u", "a", 1)
    (inputs,) = decode({key: turns, "response": "r"}).exchanges if key == "prompt" else (None,)
    assert inputs is None or (inputs.response, len(inputs.messages)) == ("r", 2)
    (half,) = decode({key: turns}, join=JOINED, **options).halves
    assert (half.side, len(half.exchange.messages)) == ("request", 2)


def test_mapped_reads_chat_messages_and_bodies_and_halves() -> None:
    fields = {"prompt": "messages", "response": "answer"}
    record = {
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "answer": {"choices": [{"message": {"content": "a"}}]},
    }
    (exchange,) = decode(record, fields=fields).exchanges
    assert (len(exchange.messages), exchange.prompt, exchange.response) == (2, "u", "a")
    (half,) = decode({"answer": "a"}, fields=fields, join=JOINED).halves
    assert half.side == "response"
    with pytest.raises(
        Exception, match=r"wrong_type: traffic.fields.user: `u` is a list, not text"
    ):
        decode({"messages": "x", "u": []}, fields={**fields, "user": "u"})


@pytest.mark.parametrize(
    "response",
    [
        '{"intent": "balance"}',
        '{"intent": "bala',  # cut where the tokens ended
        '{"intent": "balance"}\nIs there anything else?',
        '[{"intent": "balance"}]',
        '[{"intent": "bal',
        '{"content": "a text", "language": "en"}',
        "data: the figures of March",
    ],
)
@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "What is my balance?"},
        {"messages": [{"role": "user", "content": "What is my balance?"}]},
        {"request": {"messages": [{"role": "user", "content": "What is my balance?"}]}},
    ],
)
def test_a_model_that_responds_in_json_is_read(record: dict[str, Any], response: str) -> None:
    (exchange,) = decode(record | {"response": response}).exchanges
    assert exchange.response == response


@pytest.mark.parametrize(
    "body",
    ['{"id": "x", "choices": [{"message": {"con', '{"object": "response", "output": [{"ty'],
)
def test_a_cut_body_is_no_response(body: str) -> None:
    request = {"messages": [{"role": "user", "content": "What is my balance?"}]}
    with pytest.raises(RecordError) as caught:
        decode({"request": request, "response": body})
    assert caught.value.reason == "invalid_json"
