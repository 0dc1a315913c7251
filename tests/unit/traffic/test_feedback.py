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
    assert decoded.exchanges + decoded.halves + decoded.unreadable == []
    (feedback,) = decoded.feedback
    return feedback


def reason_of(value: bytes | dict[str, Any], key: bytes | None = b"k", **traffic: Any) -> str:
    with pytest.raises(RecordError) as refused:
        Decoder(Traffic(**traffic), default_model="m").decode(record(value, key))
    return refused.value.reason


def test_booleans_and_numbers_are_read_as_numbers() -> None:
    values = {"thumbs_up": True, "rating": 4, "csat/v2": -0.5, "Zufriedenheit": False}
    feedback = decode(record({"id": "r1", "timestamp": "2026-11-02T11:00:00Z", "feedback": values}))
    assert (feedback.exchange_id, feedback.model) == ("r1", "")
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
    assert refused.value.reason == "bad_feedback"
    assert "good" not in refused.value.detail


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_that_are_not_finite_are_refused(number: str) -> None:
    value = b'{"id": "r1", "feedback": {"rating": %s}}' % number.encode()
    assert reason_of(value) in {"invalid_json", "bad_feedback"}


def test_too_many_or_no_values_are_refused() -> None:
    values = {f"n{number}": 1 for number in range(10_000)}
    assert reason_of({"id": "r1", "feedback": values}) == "bad_feedback"
    assert reason_of({"id": "r1", "feedback": {}}) == "bad_feedback"
    allowed = dict(list(values.items())[:MAX_VALUES])
    assert len(decode(record({"id": "r1", "feedback": allowed})).values) == MAX_VALUES


@pytest.mark.parametrize("name", ["", "ann@example.org", "a b", "1st", "é" * 65, "a\0", "\ud800"])
def test_names_that_could_hold_data_are_refused(name: str) -> None:
    assert reason_of({"id": "r1", "feedback": {name: 1}}) == "bad_feedback"


@pytest.mark.parametrize("values", [1, "up", None, [True]])
def test_feedback_that_is_no_object_is_refused(values: object) -> None:
    assert reason_of({"id": "r1", "feedback": values}) == "wrong_type"


def test_an_exchange_that_lacks_its_texts_is_no_feedback() -> None:
    rated = {"feedback": {"thumbs_up": True}, "id": "r1"}
    assert reason_of({**rated, "question": "Where is my card?"}) == "unknown_format"
    decoded = Decoder(Traffic(), default_model="m").decode(
        record({**rated, "prompt": "Where is my card?", "response": "In the post."})
    )
    assert (len(decoded.exchanges), decoded.feedback) == (1, [])


def test_time_decides_and_the_future_is_capped() -> None:
    def at(hours: float) -> dict[str, Any]:
        moment = NOW + timedelta(hours=hours)
        return {"id": "r1", "timestamp": moment.timestamp(), "feedback": {"thumbs_up": 1}}

    assert reason_of(at(25)) == "future_timestamp"
    assert reason_of(at(-24 * 400)) == "old_timestamp"
    # It would hide what the user says later.
    assert decode(record(at(23))).given_at == NOW
    assert decode(record({"id": "r1", "feedback": {"thumbs_up": 1}})).given_at == NOW


def test_header_or_key_name_the_exchange_without_an_id() -> None:
    value = {"feedback": {"thumbs_up": True}}
    assert decode(record(value)).exchange_id == "k"
    headed = record(value, b"k", request=b"h")
    assert decode(headed, id_header="request").exchange_id == "h"
    assert decode(record({**value, "id": "r1"}), id_header="request").exchange_id == "r1"
    assert reason_of(value, None) == "missing_join_id"
    assert len(decode(record(value, b"k" * 300)).exchange_id) == 32


def test_mapped_feedback_is_read_by_its_path() -> None:
    fields = {"prompt": "in", "response": "out", "id": "call.id", "feedback": "rating.values"}
    fields |= {"timestamp": "at", "model": "model", "user": "customer"}
    traffic = {"format": "mapped", "fields": fields}
    value = {"call": {"id": 17}, "at": NOW.timestamp(), "model": "b", "customer": "ann"}
    feedback = decode(record({**value, "rating": {"values": {"up": False}}}), **traffic)
    assert (feedback.exchange_id, feedback.model, feedback.end_user) == ("17", "b", "ann")
    assert feedback.values == {"up": 0.0}
    assert reason_of({**value, "rating": {"values": 5}}, **traffic) == "wrong_type"
    assert reason_of({**value, "rating": 5}, **traffic) == "unknown_format"
