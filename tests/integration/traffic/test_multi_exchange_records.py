"""Messages with many log records, including hostile ones, and their dead letters."""

import json
import random

from sqlalchemy import Engine, delete, select

from monitor.settings import Settings, Traffic
from monitor.store.engine import transaction
from monitor.store.tables import DeadLetter, Exchange
from monitor.store.traffic.dead_letters import DeadLetterRow, insert_dead_letters
from monitor.store.traffic.exchange_columns import SPACE
from monitor.store.traffic.position import Position
from monitor.traffic.dead_letter_replay import replay_dead_letters
from monitor.traffic.ingest.writer import StoreResult, store_batch
from monitor.traffic.record import RawRecord
from tests.fuzz.records import Mutator
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.traffic.fixture_files import READ_AT, as_protobuf, load
from tests.support.traffic.halves import dead_letters, draws, make_preparer


def store(engine: Engine, values: list[bytes], **traffic: object) -> StoreResult:
    records = [
        RawRecord(Position("topic", 0, offset), b"key", value, READ_AT, read_at=READ_AT)
        for offset, value in enumerate(values)
    ]
    preparer = make_preparer(Traffic(**traffic))
    prepared = preparer.prepare(records, received_at=READ_AT, draws=draws(len(records), 0.05))
    return store_batch(engine, prepared, [], now=READ_AT)


def places(engine: Engine) -> list[tuple[int, int, str]]:
    with transaction(engine) as connection:
        rows = connection.execute(
            select(Exchange.offset, Exchange.record_index, Exchange.exchange_id)
        ).all()
    return sorted((row[0], row[1], row[2]) for row in rows)


def dead_letter_places(engine: Engine) -> list[tuple[int, int, str, bool]]:
    with transaction(engine) as connection:
        rows = connection.execute(select(DeadLetter)).all()
    return sorted((row.offset, row.record_index, row.reason, bool(row.replayed_at)) for row in rows)


def replay(engine: Engine, **traffic: object) -> tuple[int, dict[str, int]]:
    settings = Settings(traffic=Traffic(**traffic), monitoring={"unlisted_models": "watch"})
    done = replay_dead_letters(engine, settings, FakeEncoder())
    return done.n_exchanges, done.still_unreadable


def message_with_a_bad_record(index: int) -> bytes:
    message = load("otel_details")
    record = message["resourceLogs"][0]["scopeLogs"][0]["logRecords"][index]
    record["attributes"].append({"key": "gen_ai.input.messages", "value": {"intValue": "7"}})
    return as_protobuf(message)


def test_a_bad_log_record_becomes_a_dead_letter_with_position(any_engine: Engine) -> None:
    stored = store(any_engine, [message_with_a_bad_record(2), message_with_a_bad_record(0)])

    assert (stored.n_exchanges, stored.n_dead_letters) == (2, 2)
    assert places(any_engine) == [(0, 0, "chatcmpl-a1"), (1, 2, "chatcmpl-a2")]
    bad = [(0, 2, "wrong_type", False), (1, 0, "wrong_type", False)]
    assert bad == dead_letter_places(any_engine)
    # Tried again as it was, each is as unreadable as before, and in its place.
    assert replay(any_engine) == (0, {"wrong_type": 2})
    assert bad == dead_letter_places(any_engine)


def test_a_replayed_log_record_keeps_its_position(
    any_engine: Engine,
) -> None:
    message = as_protobuf(load("otel_spans"))
    store(any_engine, [message], max_age="1d")
    assert (dead_letter_places(any_engine)) == [
        (0, 2, "old_timestamp", False),
        (0, 4, "old_timestamp", False),
    ]

    assert replay(any_engine) == (2, {})

    (served, failed) = places(any_engine)
    assert served == (0, 2, "chatcmpl-s1")
    assert failed[:2] == (0, 4)


def test_readable_parts_of_an_unknown_message_are_replayed(
    any_engine: Engine,
) -> None:
    store(any_engine, [message_with_a_bad_record(0)], format="plain")
    assert dead_letter_places(any_engine) == [(0, 0, "invalid_utf8", False)]

    assert replay(any_engine) == (1, {"wrong_type": 1})

    assert places(any_engine) == [(0, 2, "chatcmpl-a2")]
    # The letter of the whole has become that of the part which still can't be read.
    assert dead_letter_places(any_engine) == [(0, 0, "wrong_type", False)]


def test_a_refused_exchange_is_a_dead_letter_to_replay(
    any_engine: Engine,
) -> None:
    message = as_protobuf(load("otel_events"))
    store(any_engine, [message])
    before = places(any_engine)
    again = store(any_engine, [message])
    assert (again.n_exchanges, again.n_dead_letters) == (0, 2)
    assert dead_letters(any_engine) == {"refused_by_database": 2}
    assert replay(any_engine, format="opentelemetry") == (0, {"refused_by_database": 2})

    with transaction(any_engine) as connection:
        connection.execute(delete(Exchange))
    assert replay(any_engine, format="opentelemetry") == (2, {})
    assert before == places(any_engine)


def test_a_refused_part_leaves_the_rest_stored(
    any_engine: Engine,
) -> None:
    message = as_protobuf(load("otel_details"))
    store(any_engine, [message])
    whole = places(any_engine)
    assert len(whole) > 1
    with transaction(any_engine) as connection:
        connection.execute(delete(Exchange).where(Exchange.record_index > 0))
        connection.execute(delete(DeadLetter))
        insert_dead_letters(connection, [dead_letter_of(message)])

    # The place of the first is taken: the others are stored, and what is left is a letter of it.
    assert (len(whole) - 1, {"refused_by_database": 1}) == replay(any_engine)
    assert whole == places(any_engine)
    assert dead_letter_places(any_engine) == [(0, 0, "refused_by_database", False)]

    with transaction(any_engine) as connection:
        connection.execute(delete(Exchange).where(Exchange.record_index == 0))
    assert replay(any_engine) == (1, {})
    assert whole == places(any_engine)
    assert dead_letter_places(any_engine) == [(0, 0, "refused_by_database", True)]


def dead_letter_of(message: bytes) -> DeadLetterRow:
    """Return the dead letter of a message that an older version couldn't read."""
    return DeadLetterRow(
        position=Position("topic", 0, 0),
        key=b"key",
        value=message,
        reason="invalid_json",
        detail="",
        randomness=SPACE - 1,
        inclusion_probability=0.05,
        received_at=READ_AT,
    )


def test_database_stores_mutated_records(any_engine: Engine) -> None:
    mutator = Mutator(random.Random(11))
    values = [mutator.next() for _ in range(1500)]
    values += [
        json.dumps({"prompt": chr(n) + "x\ud800", "response": "", "id": chr(n)}).encode()
        for n in range(40)
    ]

    stored = store(any_engine, values, join={"enabled": True})

    assert "refused_by_database" not in dead_letters(any_engine)
    assert stored.n_exchanges > 300
    assert stored.n_halves > 20
    assert stored.n_dead_letters > 300


def call_record(kind: str, *, has_texts: bool = True) -> bytes:
    """Return one model call as a log record or as a span, both of one trace and span."""
    texts = {
        f"gen_ai.{side}.messages": json.dumps(
            [{"role": role, "parts": [{"type": "text", "content": f"text of the {role}"}]}]
        )
        for side, role in (("input", "user"), ("output", "assistant"))
    }
    values = {"gen_ai.operation.name": "chat", **(texts if has_texts else {})}
    attributes = [{"key": key, "value": {"stringValue": text}} for key, text in values.items()]
    time = str(int(READ_AT.timestamp()) * 10**9)
    ids = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "00f067aa0ba902b7"}
    common = {**ids, "attributes": attributes}
    if kind == "log":
        name = "gen_ai.client.inference.operation.details"
        record = {**common, "timeUnixNano": time, "eventName": name}
        return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
    span = {**common, "name": "chat", "startTimeUnixNano": time, "endTimeUnixNano": time}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def test_logs_and_traces_of_one_call_count_twice(any_engine: Engine) -> None:
    stored = store(any_engine, [call_record("log"), call_record("span")])

    assert (stored.n_exchanges, stored.n_withheld) == (2, 0)
    (first, second) = places(any_engine)
    assert first[2] == second[2] != ""


def test_a_span_without_texts_counts_its_call_as_withheld(any_engine: Engine) -> None:
    stored = store(any_engine, [call_record("log"), call_record("span", has_texts=False)])

    assert (stored.n_exchanges, stored.n_withheld) == (1, 1)
