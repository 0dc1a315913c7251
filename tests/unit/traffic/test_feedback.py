"""Feedback as a record: what is read, and what is refused with a reason."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.errors import RecordError
from monitor.settings import Traffic
from monitor.store.traffic.position import Position
from monitor.traffic.decoder import Decoder
from monitor.traffic.exchange import Feedback
from monitor.traffic.feedback import MAX_VALUES
from monitor.traffic.record import RawRecord

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


def record(value: bytes | dict[str, Any], key: bytes | None = b"k", **headers: bytes) -> RawRecord:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return RawRecord(
        Position("topic", 0, 7), key, content, NOW, tuple(headers.items()), read_at=NOW
    )


def decode(record: RawRecord, **traffic: Any) -> Feedback:
    decoded = Decoder(Traffic(**traffic), default_model="m").decode(record)
    assert [] == decoded.exchanges + decoded.halves + decoded.unreadable
    (feedback,) = decoded.feedback
    return feedback


def reason_of(value: bytes | dict[str, Any], key: bytes | None = b"k", **traffic: Any) -> str:
    with pytest.raises(RecordError) as refused:
        Decoder(Traffic(**traffic), default_model="m").decode(record(value, key))
    return refused.value.reason


def test_booleans_and_numbers_are_read_as_numbers() -> None:
    values = {"thumbs_up": True, "rating": 4, "csat/v2": -0.5, "Zufriedenheit": False}
    feedback = decode(record({"id": "r1", "timestamp": "2026-11-02T11:00:00Z", "feedback": values}))
    assert ("r1", "") == (feedback.exchange_id, feedback.model)
    assert {name: float(value) for name, value in values.items()} == feedback.values
    assert NOW - timedelta(hours=1) == feedback.given_at


@pytest.mark.parametrize(
    "value",
    ["good", "", None, [1], {"a": 1}, 10**400],
    ids=["text", "empty", "null", "list", "object", "huge"],
)
def test_other_values_are_refused_and_not_quoted(value: object) -> None:
    with pytest.raises(RecordError) as refused:
        decode(record({"id": "r1", "feedback": {"rating": 1, "note": value}}))
    assert "bad_feedback" == refused.value.reason
    assert "good" not in refused.value.detail


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_that_are_not_finite_are_refused(number: str) -> None:
    value = b'{"id": "r1", "feedback": {"rating": %s}}' % number.encode()
    assert reason_of(value) in {"invalid_json", "bad_feedback"}


def test_too_many_or_no_values_are_refused() -> None:
    values = {f"n{number}": 1 for number in range(10_000)}
    assert "bad_feedback" == reason_of({"id": "r1", "feedback": values})
    assert "bad_feedback" == reason_of({"id": "r1", "feedback": {}})
    allowed = dict(list(values.items())[:MAX_VALUES])
    assert len(decode(record({"id": "r1", "feedback": allowed})).values) == MAX_VALUES


@pytest.mark.parametrize("name", ["", "ann@example.org", "a b", "1st", "é" * 65, "a\0", "\ud800"])
def test_names_that_could_hold_data_are_refused(name: str) -> None:
    assert "bad_feedback" == reason_of({"id": "r1", "feedback": {name: 1}})


@pytest.mark.parametrize("values", [1, "up", None, [True]])
def test_feedback_that_is_no_object_is_refused(values: object) -> None:
    assert "wrong_type" == reason_of({"id": "r1", "feedback": values})


def test_an_exchange_that_lacks_its_texts_is_no_feedback() -> None:
    rated = {"feedback": {"thumbs_up": True}, "id": "r1"}
    assert "unknown_format" == reason_of({**rated, "question": "Where is my card?"})
    decoded = Decoder(Traffic(), default_model="m").decode(
        record({**rated, "prompt": "Where is my card?", "response": "In the post."})
    )
    assert (1, []) == (len(decoded.exchanges), decoded.feedback)


def test_time_decides_and_the_future_is_capped() -> None:
    def at(hours: float) -> dict[str, Any]:
        moment = NOW + timedelta(hours=hours)
        return {"id": "r1", "timestamp": moment.timestamp(), "feedback": {"thumbs_up": 1}}

    assert "bad_timestamp" == reason_of(at(25))
    assert "bad_timestamp" == reason_of(at(-24 * 400))
    # It would hide what the user says later.
    assert NOW == decode(record(at(23))).given_at
    assert NOW == decode(record({"id": "r1", "feedback": {"thumbs_up": 1}})).given_at


def test_header_or_key_name_the_exchange_without_an_id() -> None:
    value = {"feedback": {"thumbs_up": True}}
    assert "k" == decode(record(value)).exchange_id
    headed = record(value, b"k", request=b"h")
    assert "h" == decode(headed, id_header="request").exchange_id
    assert "r1" == decode(record({**value, "id": "r1"}), id_header="request").exchange_id
    assert "missing_join_id" == reason_of(value, None)
    assert 32 == len(decode(record(value, b"k" * 300)).exchange_id)


def test_mapped_feedback_is_read_by_its_path() -> None:
    fields = {"prompt": "in", "response": "out", "id": "call.id", "feedback": "rating.values"}
    fields |= {"timestamp": "at", "model": "model", "user": "customer"}
    traffic = {"format": "mapped", "fields": fields}
    value = {"call": {"id": 17}, "at": NOW.timestamp(), "model": "b", "customer": "ann"}
    feedback = decode(record({**value, "rating": {"values": {"up": False}}}), **traffic)
    assert ("17", "b", "ann") == (feedback.exchange_id, feedback.model, feedback.end_user)
    assert {"up": 0.0} == feedback.values
    assert "wrong_type" == reason_of({**value, "rating": {"values": 5}}, **traffic)
    assert "unknown_format" == reason_of({**value, "rating": 5}, **traffic)
