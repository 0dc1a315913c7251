"""Bytes to exchanges: every format, and whatever else a topic may hold."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.errors import RecordError
from monitor.settings import Traffic
from monitor.store.exchanges import Position
from monitor.traffic.decode import REASONS, Decoder
from monitor.traffic.exchange import Exchange, Message
from monitor.traffic.record import RawRecord

KAFKA_TIME = datetime(2026, 11, 2, 12, tzinfo=UTC)
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def decode(value: Any, **options: Any) -> list[Exchange]:
    raw = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    record = RawRecord(Position("topic", 1, 42), b"key", raw, KAFKA_TIME)
    return Decoder(Traffic(**options), default_model="assistant").decode(record)


def decode_one(value: Any, **options: Any) -> Exchange:
    (exchange,) = decode(value, **options)
    return exchange


def reason_of(value: Any, **options: Any) -> str:
    with pytest.raises(RecordError) as caught:
        decode(value, **options)
    return caught.value.reason


def test_the_plain_form_with_every_field() -> None:
    exchange = decode_one(
        {
            "id": "r-1",
            "timestamp": "2026-10-30T10:00:00+02:00",
            "model": "bank-v1",
            "task_type": "cards",
            "user": "u-7",
            "prompt": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "My card is lost."},
            ],
            "response": "I blocked it.",
            "metadata": {"latency": 0.3, "cached": False, "tags": ["a"], "none": None},
        }
    )

    assert (
        Exchange(
            exchange_id="r-1",
            occurred_at=datetime(2026, 10, 30, 8, tzinfo=UTC),
            model="bank-v1",
            task_type="cards",
            user="u-7",
            messages=(Message("system", "Be brief."), Message("user", "My card is lost.")),
            response="I blocked it.",
            attributes={"latency": 0.3, "cached": False, "tags": '["a"]'},
        )
        == exchange
    )
    assert "My card is lost." == exchange.prompt


def test_only_the_prompt_is_required() -> None:
    exchange = decode_one({"prompt": "Hello"})

    assert "topic/1/42" == exchange.exchange_id
    assert KAFKA_TIME == exchange.occurred_at
    assert "assistant" == exchange.model
    assert (Message("user", "Hello"),) == exchange.messages
    assert ("", "", "", {}) == (
        exchange.response,
        exchange.user,
        exchange.task_type,
        exchange.attributes,
    )


@pytest.mark.parametrize(
    "timestamp",
    ["2026-10-30T08:00:00Z", "2026-10-30 08:00:00", 1793347200, 1793347200.0, "1793347200",
     1793347200_000, 1793347200_000_000, 1793347200_000_000_000],
)  # fmt: skip
def test_a_time_may_be_rfc_3339_or_a_unix_time(timestamp: str | float) -> None:
    exchange = decode_one({"prompt": "Hello", "timestamp": timestamp})

    assert datetime(2026, 10, 30, 8, tzinfo=UTC) == exchange.occurred_at


@pytest.mark.parametrize(
    "timestamp",
    [0, -1, 4102444800, "1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "yesterday", "", "inf",
     "nan", 1e300, "0001-01-01T00:00:00+23:59", 10**400],
)  # fmt: skip
def test_a_broken_clock_makes_a_dead_letter(timestamp: str | float) -> None:
    assert reason_of({"prompt": "Hello", "timestamp": timestamp}) in {"bad_timestamp", "wrong_type"}


def openai_pair(**message: Any) -> dict[str, Any]:
    return {
        "request": {
            "model": "gpt-bank",
            "user": "u-1",
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is this?"},
                        {"type": "image_url", "image_url": {"url": "data:..."}},
                    ],
                },
            ],
            "temperature": 0.2,
        },
        "response": {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1793347200,
            "model": "gpt-bank-2026-05-01",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", **message},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
        },
    }


def test_an_openai_pair_with_parts() -> None:
    exchange = decode_one(openai_pair(content="A receipt."))

    assert "chatcmpl-1" == exchange.exchange_id
    assert datetime(2026, 10, 30, 8, tzinfo=UTC) == exchange.occurred_at
    assert "gpt-bank" == exchange.model
    assert Message("system", "Be brief.") == exchange.messages[0]
    assert "What is this?\n[image_url]" == exchange.prompt
    assert "A receipt." == exchange.response
    assert {
        "finish_reason": "stop",
        "refusal": False,
        "prompt_tokens": 12,
        "completion_tokens": 3,
    } == exchange.attributes


def test_an_openai_refusal_is_the_response() -> None:
    exchange = decode_one(openai_pair(content=None, refusal="I can't help with that."))

    assert "I can't help with that." == exchange.response
    assert exchange.attributes["refusal"] is True


def test_openai_tool_calls_are_readable() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "block", "arguments": '{"n":1}'}}]

    assert 'block({"n":1})' == decode_one(openai_pair(content=None, tool_calls=calls)).response


def test_an_openai_request_whose_response_failed() -> None:
    pair = openai_pair(content="x") | {"response": None}

    assert "" == decode_one(pair).response


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null_value"),
        (b"", "empty_value"),
        (b" \n", "empty_value"),
        (b'{"prompt": "x"', "invalid_json"),
        (b"not json", "invalid_json"),
        (b'{"prompt": NaN}', "invalid_json"),
        (b'{"prompt": "\\ud800", "x": NaN}', "invalid_json"),
        (b'{"prompt": "\xff\xfe"}', "invalid_utf8"),
        (b'{"prompt": "\\u0041\xff"}', "invalid_utf8"),
        (b"[" * 200_000, "too_deep"),
        (b'{"prompt":' * 50_000 + b"1" + b"}" * 50_000, "too_deep"),
        (b"[]", "wrong_type"),
        (b'"text"', "wrong_type"),
        (b"7", "wrong_type"),
        ({"prompt": 7}, "wrong_type"),
        ({"prompt": [{"role": 1, "content": "x"}]}, "wrong_type"),
        ({"prompt": [{"role": "user", "content": [7]}]}, "wrong_type"),
        ({"prompt": "x", "metadata": []}, "wrong_type"),
        ({"prompt": None}, "missing_prompt"),
        ({"prompt": []}, "missing_prompt"),
        ({"prompt": [{"role": "assistant", "content": "x"}]}, "missing_prompt"),
        ({"text": "x"}, "missing_prompt"),
        ({"request": {"messages": []}}, "missing_prompt"),
        ({"request": {"messages": 3}}, "wrong_type"),
        ({}, "missing_prompt"),
    ],
)  # fmt: skip
def test_what_is_no_exchange_has_a_stable_reason(value: Any, reason: str) -> None:
    assert reason == reason_of(value)
    assert reason in REASONS


def test_a_record_larger_than_allowed_is_not_parsed() -> None:
    assert "too_large" == reason_of({"prompt": "x" * 2000}, max_record_bytes=1024)


def test_a_named_format_is_not_guessed() -> None:
    assert "wrong_type" == reason_of({"prompt": "x"}, format="openai")
    assert "missing_prompt" == reason_of({"request": {"messages": []}}, format="plain")


def test_nul_and_lone_surrogates_are_replaced_and_pairs_joined() -> None:
    exchange = decode_one(
        b'{"prompt": "a\\u0000b\\ud800c\\ud83d\\ude00", "response": "\\udfff",'
        b' "id": "i\\u0000", "metadata": {"k\\udc00": "v\\u0000", "deep": ["\\ud800"]}}'
    )

    assert f"a{REPLACEMENT}b{REPLACEMENT}c\N{GRINNING FACE}" == exchange.prompt
    assert REPLACEMENT == exchange.response
    assert f"i{REPLACEMENT}" == exchange.exchange_id
    assert {f"k{REPLACEMENT}": f"v{REPLACEMENT}", "deep": f'["{REPLACEMENT}"]'} == (
        exchange.attributes
    )


def test_a_long_text_is_cut_and_marked() -> None:
    exchange = decode_one({"prompt": "p" * 200_000, "response": "short"})

    assert 100_000 == len(exchange.prompt)
    assert exchange.truncated
    assert not decode_one({"prompt": "p" * 100_000}).truncated


def test_numbers_that_no_database_takes_become_texts() -> None:
    attributes = decode_one(
        b'{"prompt": "x", "metadata": {"huge": ' + b"9" * 30 + b', "fine": 9007199254740993}}'
    ).attributes

    assert {"huge": "integer of 100 bits", "fine": 9007199254740993} == attributes


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
)
JSON_VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=()), max_size=8), inner, max_size=4
        )
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["id", "timestamp", "model", "task_type", "user", "prompt", "response", "metadata", "request",
     "messages", "role", "content", "choices", "message", "created", "usage", "tool_calls"]
)  # fmt: skip
NEAR_MISSES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=30,
)


def check_whatever_comes(value: bytes) -> None:
    """The property: exchanges that can be stored, or a RecordError of a known reason."""
    try:
        exchanges = decode(value)
    except RecordError as error:
        assert error.reason in REASONS  # noqa: PT017 - either outcome is right
        return
    for exchange in exchanges:
        texts = [
            exchange.exchange_id,
            exchange.model,
            exchange.task_type,
            exchange.user,
            exchange.response,
            *(m.content for m in exchange.messages),
            *(m.role for m in exchange.messages),
            json.dumps(exchange.attributes, ensure_ascii=False, allow_nan=False),
        ]
        for text in texts:
            assert "\x00" not in text
            text.encode("utf-8")
        assert exchange.occurred_at.tzinfo is not None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
@example(b'{"prompt": 1e999}')
@example(b'{"prompt": "x", "metadata": {"a": 1e999, "b": "\\ud800"}}')
@example(b'{"prompt": "x", "timestamp": 1e999, "id": "\\ud800"}')
@example(b'{"prompt": "x", "metadata": {"a": ' + b"9" * 5000 + b"}}")
@example(b"\xef\xbb\xbf{}")
def test_any_bytes_give_exchanges_or_a_record_error(value: bytes) -> None:
    check_whatever_comes(value)


@settings(max_examples=300, deadline=None)
@given(JSON_VALUES | NEAR_MISSES)
def test_any_json_gives_exchanges_or_a_record_error(value: Any) -> None:
    check_whatever_comes(json.dumps(value).encode("utf-8", "surrogatepass"))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, NEAR_MISSES, max_size=8), st.integers(0, 400))
def test_any_truncation_gives_exchanges_or_a_record_error(value: Any, length: int) -> None:
    check_whatever_comes(json.dumps({"prompt": "x", **value}).encode()[:length])
