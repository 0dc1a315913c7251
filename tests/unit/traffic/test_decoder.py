"""Decoding of the plain format, and the common part of all formats."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.errors import RecordError
from monitor.settings import Traffic
from monitor.store.traffic.position import Position
from monitor.traffic.decoder import REASONS, Decoder
from monitor.traffic.exchange import Exchange, Message
from monitor.traffic.record import RawRecord
from tests.support.traffic.fixture_files import READ_AT, decode

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def decode_one(value: Any, **options: Any) -> Exchange:
    (exchange,) = decode(value, **options).exchanges
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
            end_user="u-7",
            messages=(Message("system", "Be brief."), Message("user", "My card is lost.")),
            response="I blocked it.",
            attributes={"latency": 0.3, "cached": False, "tags": '["a"]'},
        )
        == exchange
    )
    assert exchange.prompt == "My card is lost."


def test_only_the_prompt_is_required() -> None:
    exchange = decode_one({"prompt": "Hello"})

    assert exchange.exchange_id == "topic/1/42"
    assert exchange.occurred_at == READ_AT
    assert exchange.model == "assistant"
    assert (Message("user", "Hello"),) == exchange.messages
    assert (
        exchange.response,
        exchange.end_user,
        exchange.task_type,
        exchange.attributes,
    ) == ("", "", "", {})


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
        (b"\xff\xfe{\x00}\x00", "invalid_utf8"),
        ('{"prompt": "x"}'.encode("utf-16"), "invalid_utf8"),
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
        ({"text": "x"}, "unknown_format"),
        ({"request": {"messages": []}}, "missing_prompt"),
        ({"request": {"messages": 3}}, "wrong_type"),
        ({}, "unknown_format"),
        ({"response": "only"}, "missing_prompt"),
    ],
)  # fmt: skip
def test_undecodable_record_has_a_stable_reason(value: Any, reason: str) -> None:
    assert reason == reason_of(value)
    assert reason in REASONS


@pytest.mark.parametrize("escaped", [b"", b"\\u0041"])
def test_invalid_utf_8_is_reported_with_its_byte(escaped: bytes) -> None:
    value = b'{"user": "ann", "prompt": "caf\xe9", "id": "' + escaped + b'"}'
    with pytest.raises(RecordError) as message:
        decode(value)
    assert message.value.detail.startswith(f"at byte {value.index(0xE9)}: ")
    assert "iconv" not in message.value.detail  # it may be Kafka's


def test_a_record_larger_than_allowed_is_not_parsed() -> None:
    assert reason_of({"prompt": "x" * 2000}, max_record_bytes=1024) == "too_large"


def test_a_named_format_is_not_guessed() -> None:
    with pytest.raises(RecordError, match=r"openai needs `request`.*the record's keys: prompt"):
        decode({"prompt": "x"}, format="openai")
    assert reason_of({"request": {"messages": []}}, format="plain") == "unknown_format"
    assert reason_of(b"{", format="plain") == "invalid_json"
    assert reason_of([], format="plain") == "wrong_type"


def test_nul_and_lone_surrogates_are_replaced_and_pairs_joined() -> None:
    exchange = decode_one(
        b'{"prompt": "a\\u0000b\\ud800c\\ud83d\\ude00", "response": "\\udfff",'
        b' "id": "i\\u0000", "metadata": {"k\\udc00": "v\\u0000", "deep": ["\\ud800"]}}'
    )

    assert f"a{REPLACEMENT}b{REPLACEMENT}c\N{GRINNING FACE}" == exchange.prompt
    assert exchange.response == REPLACEMENT
    assert f"i{REPLACEMENT}" == exchange.exchange_id
    assert {f"k{REPLACEMENT}": f"v{REPLACEMENT}", "deep": f'["{REPLACEMENT}"]'} == (
        exchange.attributes
    )


def test_a_long_text_is_cut_and_marked() -> None:
    exchange = decode_one({"prompt": "p" * 200_000, "response": "short"})

    assert len(exchange.prompt) == 100_000
    assert exchange.truncated
    assert not decode_one({"prompt": "p" * 100_000}).truncated


def test_numbers_that_no_database_takes_become_texts() -> None:
    attributes = decode_one(
        b'{"prompt": "x", "metadata": {"huge": ' + b"9" * 30 + b', "fine": 9007199254740993}}'
    ).attributes

    assert attributes == {"huge": "integer of 100 bits", "fine": 9007199254740993}


def occurred(timestamp: Any, read_at: datetime | None, **options: Any) -> datetime:
    record = RawRecord(
        Position("topic", 0, 1),
        None,
        b'{"prompt": "x"}'
        if timestamp is None
        else b'{"prompt": "x", "timestamp": "%s"}' % timestamp.isoformat().encode(),
        READ_AT - timedelta(days=2) if timestamp is None else READ_AT,
        read_at=read_at,
    )
    decoder = Decoder(Traffic(**options), default_model="m", requires_response=False)
    (exchange,) = decoder.decode(record).exchanges
    return exchange.occurred_at


def test_a_time_far_from_now_is_refused() -> None:
    long_ago, tomorrow = READ_AT - timedelta(days=366), READ_AT + timedelta(days=1, seconds=1)
    for far_off, reason in ((long_ago, "old_timestamp"), (tomorrow, "future_timestamp")):
        with pytest.raises(RecordError, match=reason):
            occurred(far_off, READ_AT)
    with pytest.raises(RecordError, match=r"older than traffic\.max_age = 365d"):
        occurred(long_ago, READ_AT)

    assert long_ago == occurred(long_ago, READ_AT, max_age=timedelta(days=400))
    near = READ_AT + timedelta(hours=23)
    assert near == occurred(near, READ_AT)


def test_a_file_may_be_of_any_age() -> None:
    long_ago = READ_AT - timedelta(days=900)
    assert long_ago == occurred(long_ago, None)


def test_the_time_of_the_record_itself_is_checked_too() -> None:
    assert READ_AT - timedelta(days=2) == occurred(None, READ_AT)
    with pytest.raises(RecordError, match="old_timestamp"):
        occurred(None, READ_AT, max_age=timedelta(days=1))


def test_last_value_of_a_repeated_key_counts() -> None:
    assert decode_one(b'{"prompt": "a", "prompt": "b"}').prompt == "b"


@pytest.mark.parametrize("text", ["redacted-by-litellm", " redacted-by-litellm\n"])
def test_a_placeholder_text_makes_an_exchange_withheld(text: str) -> None:
    assert decode_one({"prompt": text, "response": "x"}).withheld
    assert decode_one({"prompt": "x", "response": text}).withheld
    assert not decode_one({"prompt": f"what does {text} mean?"}).withheld
    assert decode_one({"prompt": "***"}, withheld_texts=("***",)).withheld


def test_a_half_is_known_by_header_then_id_then_key() -> None:
    def half(value: bytes, headers: tuple = (), key: bytes | None = None) -> str:
        record = RawRecord(Position("t", 0, 0), key, value, READ_AT, headers)
        settings = Traffic(id_header="x-id", join={"enabled": True})
        (result,) = Decoder(settings, default_model="m").decode(record).halves
        return result.join_id

    header = (("x-id", b"from-header"),)
    assert half(b'{"id": "a", "prompt": "x"}', header, b"key") == "from-header"
    assert half(b'{"id": "a", "prompt": "x"}', (), b"key") == "a"
    assert half(b'{"prompt": "x"}', (("other", b"h"),), b"key") == "key"
    long = [half(b'{"prompt": "x"}', (), b"k" * 300 + end) for end in (b"1", b"2")]
    assert long[0] != long[1]
    with pytest.raises(RecordError, match="missing_join_id"):
        half(b'{"prompt": "x"}')


def test_without_joins_a_request_alone_is_no_half() -> None:
    assert decode({"prompt": "x"}).halves == []
    assert decode({"prompt": "x", "response": None}, join={"enabled": True}).halves == []
