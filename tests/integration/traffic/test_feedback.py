"""Feedback in ingest: that of the sample and of open rollouts is stored, once."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update
from structlog.testing import capture_logs

from monitor.errors import LostOwnershipError
from monitor.privacy.end_users.suppression import suppress
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over
from monitor.store.tables import DeadLetter, RolloutObservation
from monitor.store.traffic.offsets import OffsetMove, claim
from monitor.store.traffic.position import Position
from monitor.traffic.dead_letter_replay import replay_dead_letters
from monitor.traffic.end_users.rules import open_rules
from monitor.traffic.file_replay import replay_file
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.writer import store_batch
from monitor.traffic.record import RawRecord
from retrain.rollout.rows.feedback import count_feedback
from tests.documentation.blocks import DOCS, blocks_of
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.present import utc_now
from tests.support.traffic.feedback import Stored, rating, stored_feedback
from tests.support.traffic.ingest import stored_ids
from tests.support.traffic.observed_traffic import (
    Message,
    ingest,
    messages,
    open_rollout,
    read_plan,
)

NOW = utc_now().replace(microsecond=0)
ALL = {"monitoring": {"sample_rate": 1.0}}


def exchange(exchange_id: str, model: str | None = None) -> Message:
    value = {"id": exchange_id, "prompt": "question", "response": "yes", "model": model}
    return exchange_id.encode(), (), json.dumps(value).encode()


def record_of(message: Message, offset: int = 0) -> RawRecord:
    key, headers, value = message
    return RawRecord(Position("topic", 0, offset), key, value, NOW, headers, read_at=NOW)


@pytest.mark.parametrize("sample_by", ["record", "exchange"])
def test_feedback_of_the_sample_is_stored_in_any_order(any_engine: Engine, sample_by: str) -> None:
    names = [f"r{number}" for number in range(400)]
    before, after = names[:200], names[200:]
    sent = [*map(rating, before), *map(exchange, names), *map(rating, after)]
    settings = Settings(monitoring={"sample_rate": 0.3}, traffic={"sample_by": sample_by})
    ingest(any_engine, settings, sent, NOW)
    rated = [row.exchange_id for row in stored_feedback(any_engine)]
    assert stored_ids(any_engine) == sorted(rated)
    assert 60 < len(rated) < 200


def test_an_application_sends_feedback_as_documented(engine: Engine) -> None:
    """The code of the page, with a producer that keeps what is sent."""
    sent: list[Message] = []

    class Producer:
        @staticmethod
        def send(topic: str, *, key: bytes, value: bytes) -> None:
            assert Settings().kafka.topic == topic
            sent.append((key, (), value))

    (code,) = (
        block.text for block in blocks_of(DOCS / "how-to/roll-out.md") if block.language == "python"
    )
    exec(code, {"producer": Producer})
    settings = Settings(**ALL, model={"name": "support"})
    ingest(engine, settings, sent, NOW)
    (row,) = stored_feedback(engine)
    assert ("thumbs_up", 0.0, [row.exchange_id]) == (row.name, row.value, stored_ids(engine))
    with transaction(engine) as connection:
        (count,) = count_feedback(connection, NOW - timedelta(days=1), 10)
    assert (1, 1) == (count.n, count.n_on_exchanges)


def test_an_id_that_is_redacted_still_joins(engine: Engine) -> None:
    name = "ann@example.org/7"
    ingest(engine, Settings(**ALL), [rating(name), exchange(name)], NOW)
    (row,) = stored_feedback(engine)
    assert [row.exchange_id] == stored_ids(engine)
    assert "ann" not in row.exchange_id


def test_feedback_has_its_models_name_and_history(engine: Engine) -> None:
    settings = Settings(**ALL, model={"name": "bank"})
    sent = [rating("r1"), rating("r2", model="bank"), rating("r3", model="other"), exchange("r2")]
    ingest(engine, settings, sent, NOW)
    assert [("r1", ""), ("r2", "bank")] == [row[:2] for row in stored_feedback(engine)]
    with transaction(engine) as connection:
        carry_over(connection, "bank", "desk", NOW)
    assert ["", "desk"] == [row.model for row in stored_feedback(engine)]


def test_feedback_of_an_unlisted_model_is_reported_once(engine: Engine) -> None:
    settings = Settings(**ALL, model={"name": "bank"})
    sent = [rating(f"r{number}", model="ann@example.org") for number in range(3)]
    with capture_logs() as lines:
        ingest(engine, settings, sent, NOW)
    (line,) = (row for row in lines if row["event"] == "feedback_of_unlisted_model")
    assert "ann" not in str(line)
    assert [] == stored_feedback(engine)


@pytest.mark.parametrize("key", ["comment", "metadata", "exchange_id"])
def test_feedback_with_another_key_is_refused_with_its_keys(engine: Engine, key: str) -> None:
    ingest(engine, Settings(**ALL), [rating("r1", **{key: "x"})], NOW)
    with transaction(engine) as connection:
        reason, detail = connection.execute(select(DeadLetter.reason, DeadLetter.detail)).one()
    assert "unknown_format" == reason
    assert "no key but feedback, id, model, task_type, timestamp, user" in detail


def test_feedback_of_somebody_on_the_suppression_list_is_dropped(engine: Engine) -> None:
    settings = Settings(**ALL, traffic={"user_header": "user"})
    suppress(engine, settings, "ann@x.org", "consent", by="kim", now=NOW, secrets=Secrets())
    rules = open_rules(engine, settings, Secrets())
    preparer = BatchPreparer.build(settings, FakeEncoder(), rules=rules)
    header = (("user", b"ann@x.org"),)
    sent = [rating("r1", user="ANN@x.org"), rating("r2", b"r2", header), rating("r3", user="bob")]
    records = [record_of(message, number) for number, message in enumerate(sent)]
    prepared = preparer.prepare(records, received_at=NOW)
    assert ["r3"] == [row.exchange_id for row in prepared.feedback]
    assert {"topic": 2} == prepared.suppressed


def test_a_moved_offset_stores_no_feedback(any_engine: Engine) -> None:
    preparer = BatchPreparer.build(Settings(**ALL), FakeEncoder())
    prepared = preparer.prepare([record_of(rating("r1"))], received_at=NOW)
    with transaction(any_engine) as connection:
        claim(connection, "topic", 0, first=0, now=NOW)
    moves = [OffsetMove("topic", 0, 0, 1)]
    assert 1 == store_batch(any_engine, prepared, moves, now=NOW).n_feedback
    # The partition was revoked meanwhile, and its records were stored by another replica.
    with pytest.raises(LostOwnershipError):
        store_batch(any_engine, prepared, moves, now=NOW)
    # Were the offset to move back, the position would still be unique.
    store_batch(any_engine, prepared, [OffsetMove("topic", 0, 1, 2)], now=NOW)
    assert [Stored("r1", "", "thumbs_up", 1.0)] == stored_feedback(any_engine)


def test_bad_feedback_is_a_dead_letter_that_can_be_replayed(engine: Engine) -> None:
    settings = Settings(**ALL)
    sent = [rating("r1", feedback={"note": "my name is Ann"}), rating("r2"), exchange("r1")]
    ingest(engine, settings, sent, NOW)
    with transaction(engine) as connection:
        (dead_letter,) = connection.execute(select(DeadLetter.reason, DeadLetter.detail)).all()
        assert ("bad_feedback", False) == (dead_letter.reason, "Ann" in dead_letter.detail)
        mended = rating("r1", feedback={"rating": 2, "thumbs_up": False})[2]
        connection.execute(update(DeadLetter).values(value=mended))
    for n_values in (2, 0):
        done = replay_dead_letters(engine, settings, FakeEncoder())
        assert (n_values, {}) == (done.n_feedback, done.still_unreadable)
    expected = [Stored("r1", "", "rating", 2.0), Stored("r1", "", "thumbs_up", 0.0)]
    assert [*expected, Stored("r2", "", "thumbs_up", 1.0)] == stored_feedback(engine)


def test_a_replayed_file_stores_its_feedback_once(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    lines = [exchange("r1"), exchange("r2"), rating("r1"), rating("r3")]
    path.write_bytes(b"\n".join(value for _, _, value in lines))
    replays = [replay_file(engine, Settings(**ALL), FakeEncoder(), path) for _ in range(2)]
    counts = [(done.n_exchanges, done.n_feedback, done.n_dead_letters) for done in replays]
    assert [(2, 2, 0), (0, 0, 0)] == counts
    assert ["r1", "r3"] == [row.exchange_id for row in stored_feedback(engine)]


@pytest.mark.parametrize("headers", [[], ["version", "user"]])
def test_a_rollout_has_the_feedback_of_what_it_observes(engine: Engine, headers: list[str]) -> None:
    start = NOW - timedelta(hours=12)
    settings = Settings(traffic={f"{name}_header": name for name in headers})
    sent = messages(800, start, seconds=50, users=80, headers=headers)
    sent += [rating(f"r{n}", *sent[n][:2]) for n in range(800)]
    sent += [rating("r1", b"k1", sent[1][1], model="other")]
    open_rollout(engine, start)
    ingest(engine, settings, sent, NOW, read_plan(engine, settings))
    stored = stored_feedback(engine)
    with transaction(engine) as connection:
        observed = set(connection.execute(select(RolloutObservation.exchange_id)).scalars())
    rated = {row.exchange_id for row in stored}
    assert 50 < len(observed & rated) == len(observed)
    assert {""} == {row.model for row in stored}
    # Without the headers any feedback may be of an observed exchange.
    assert (len(rated) == 800) == (not headers)


def test_a_flood_in_one_batch_is_stored_whole(engine: Engine) -> None:
    sent = [rating("r1", feedback={"thumbs_up": n % 2}) for n in range(1200)]
    ingest(engine, Settings(**ALL, traffic={"batch_size": 2000}), sent, NOW)
    assert [n % 2 for n in range(1200)] == [row.value for row in stored_feedback(engine)]
