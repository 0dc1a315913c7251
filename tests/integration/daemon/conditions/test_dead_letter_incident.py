"""The incident of records that can't be read: counted by ingest, told once, ended with them."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from kafka import KafkaProducer
from sqlalchemy import Engine, delete, select

from monitor.alerts.incidents import resolve
from monitor.daemon.conditions.watch import watch_conditions
from monitor.settings import Settings
from monitor.store.alerts.incident_events import list_events
from monitor.store.alerts.incidents import IncidentRow, list_incidents
from monitor.store.engine import transaction
from monitor.store.tables import DeadLetter, RecordCount
from monitor.store.traffic.position import Position
from monitor.store.traffic.record_counts import add_record_counts
from monitor.traffic.dead_letter_replay import replay_dead_letters
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.writer import store_batch
from monitor.traffic.record import RawRecord
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.present import utc_now
from tests.support.traffic.ingest import (
    ingest_settings,
    running_ingest,
    total_offset,
    wait_until,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SETTINGS = Settings(monitoring={"sample_rate": 1.0})
TOPIC = SETTINGS.kafka.topic
CUT_OFF = b'{"model": "assistant", "prompt": "a secret'


def good(now: datetime) -> bytes:
    content = {"prompt": "Hello", "response": "Hi", "timestamp": now.isoformat()}
    return json.dumps(content).encode()


class Topic:
    """A topic of which batches are read."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.preparer = BatchPreparer.build(SETTINGS, FakeEncoder())
        self.offset = 0

    def read(self, values: Sequence[bytes], now: datetime) -> None:
        """Store records that are read now."""
        records = [
            RawRecord(Position(TOPIC, 0, self.offset + n), b"%d" % n, value, now, read_at=now)
            for n, value in enumerate(values)
        ]
        self.offset += len(values)
        store_batch(self.engine, self.preparer.prepare(records, received_at=now), [], now=now)

    def watch(self, now: datetime) -> IncidentRow | None:
        """Check the conditions; return the incident."""
        started_at = now - 2 * MINUTE  # nothing else holds
        watch_conditions(self.engine, SETTINGS, [SETTINGS], now, started_at=started_at)
        with transaction(self.engine) as connection:
            incidents = list_incidents(connection, cause="dead_letters")
        return incidents[0] if incidents else None


def test_share_of_dead_letters_opens_worsens_and_resolves(
    any_engine: Engine, clock: datetime
) -> None:
    topic = Topic(any_engine)
    topic.read([good(clock)], clock - 3 * DAY)
    for minute in range(0, 60, 5):
        topic.read([good(clock)] * 49 + [CUT_OFF], clock + minute * MINUTE)
    now = clock + HOUR
    assert topic.watch(now) is None
    jump = now
    for _ in range(3):
        topic.read([good(now)] * 30 + [CUT_OFF] * 20, now)
        incident = topic.watch(now)
        now += 4 * MINUTE
    assert incident is not None
    assert incident.level == "error"
    assert "60 of 150 sampled records (40%)" in incident.summary
    assert f"{jump:%H:%M} UTC: 60 invalid_json" in incident.summary
    assert "They are of assistant." in incident.summary
    assert "secret" not in incident.summary

    broken = json.dumps({"prompt": "Hello", "response": "Hi", "timestamp": 0}).encode()
    future = json.dumps({"prompt": "a", "response": "b", "timestamp": 4e9}).encode()
    for _ in range(3):  # each of the new reasons is told once
        topic.read([good(now)] * 30 + [broken] * 30 + [future] * 30, now)
        topic.watch(now)
        now += MINUTE
    with transaction(any_engine) as connection:
        events = [event.event for event in list_events(connection, incident.id)]
    assert events == ["opened", "worsened"]
    for _ in range(6):  # it lasts for days, and remains unusual
        now += 16 * HOUR
        topic.read([good(now)] * 30 + [CUT_OFF] * 20, now)
        incident = topic.watch(now)
        assert incident is not None
        assert incident.status == "open"
    now += 12 * HOUR
    assert topic.watch(now) == incident, "silence ends nothing"
    for _ in range(12):
        topic.read([good(now)] * 50, now)
        ended = topic.watch(now)
        now += 4 * MINUTE
    assert ended is not None
    assert ended.status == "resolved"
    with transaction(any_engine) as connection:
        assert len(list_events(connection, ended.id)) == 3


def test_share_that_may_be_usual_neither_opens_nor_ends(engine: Engine, clock: datetime) -> None:
    topic, now = Topic(engine), clock
    topic.read([CUT_OFF] * 60, now)
    opened = topic.watch(now)
    for _ in range(4):
        now += HOUR
        topic.read([good(now)] * 46 + [CUT_OFF] * 4, now)
        lasting = topic.watch(now)
        assert lasting is not None
        assert lasting == opened


def test_replay_and_removal_neither_worsen_nor_end_it(engine: Engine, clock: datetime) -> None:
    topic = Topic(engine)
    topic.read([good(clock)] * 60 + [CUT_OFF] * 40, clock)
    opened = topic.watch(clock)
    assert opened is not None
    replayed = replay_dead_letters(engine, SETTINGS, FakeEncoder())
    assert replayed.still_unreadable == {"invalid_json": 40}
    with transaction(engine) as connection:
        connection.execute(delete(DeadLetter))
    lasting = topic.watch(clock + MINUTE)
    assert lasting is not None
    assert (lasting.status, lasting.clear_since) == ("open", None)
    assert "40 of 100 sampled records" in lasting.summary


def test_broken_producer_of_a_small_share_opens_it(engine: Engine, clock: datetime) -> None:
    topic, now = Topic(engine), clock + 3 * DAY
    topic.read([good(clock)], clock)
    broken = b'{"model": "assistant", "response": "Hi"}'
    dead = BatchPreparer.build(SETTINGS, FakeEncoder()).prepare(
        [RawRecord(Position(TOPIC, 0, 9), b"k", broken, now, read_at=now)], received_at=now
    )
    for hour in range(8):
        with transaction(engine) as connection:
            counted = list(dead.dead_letters) * 8
            add_record_counts(connection, {TOPIC: 500}, counted, now + hour * HOUR)
        incident = topic.watch(now + hour * HOUR)
        assert (incident is None) is (hour < 5)
    assert incident is not None
    assert "64 of 4,000 sampled records (1.6%)" in incident.summary
    for hour in range(8, 33):
        with transaction(engine) as connection:
            add_record_counts(connection, {TOPIC: 500}, [], now + hour * HOUR)
        incident = topic.watch(now + hour * HOUR)
    assert incident is not None
    assert incident.status == "resolved"


@pytest.mark.parametrize(
    ("values", "opens"),
    [
        ([CUT_OFF] * 3 + [b"good"] * 2, False),
        ([CUT_OFF] * 19, False),
        ([CUT_OFF] * 200, True),
        ([CUT_OFF] * 6 + [b"good"] * 294, False),
    ],
)
def test_few_records_or_the_usual_share_open_nothing(
    engine: Engine, clock: datetime, values: list[bytes], *, opens: bool
) -> None:
    topic = Topic(engine)
    topic.read([good(clock) if value == b"good" else value for value in values], clock)
    assert (topic.watch(clock) is not None) is opens


def test_share_that_a_user_accepts_becomes_usual(engine: Engine, clock: datetime) -> None:
    topic, now = Topic(engine), clock
    mixed = [good(now)] * 30 + [CUT_OFF] * 20
    topic.read(mixed, now)
    incident = topic.watch(now)
    assert incident is not None
    with transaction(engine) as connection:
        resolve(connection, incident.id, "Lea", "a test producer", now, alerts=SETTINGS.alerts)
    for _ in range(20):
        now += 4 * HOUR
        topic.read([good(now)] * 30 + [CUT_OFF] * 20, now)
        again = topic.watch(now)
        assert again is not None
        assert again.status == "resolved"
    now += HOUR
    for _ in range(2):
        topic.read([CUT_OFF] * 200, now)
        again = topic.watch(now)
        now += MINUTE
    assert again is not None
    assert again.status == "open", "all of them is unusual again"


def test_files_that_a_command_reads_are_not_counted(engine: Engine, clock: datetime) -> None:
    record = RawRecord(Position("file:1", 0, 0), b"k", CUT_OFF, clock)
    prepared = BatchPreparer.build(SETTINGS, FakeEncoder()).prepare([record], received_at=clock)
    store_batch(engine, prepared, [], now=clock)
    with transaction(engine) as connection:
        assert connection.execute(select(RecordCount.count)).all() == []


@pytest.mark.kafka
def test_broken_records_of_a_topic_open_an_incident(
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
) -> None:
    settings = ingest_settings(
        bootstrap_servers, topic, postgres_database, monitoring={"sample_rate": 1.0}
    )
    now = utc_now()
    for number in range(580):
        kind = number % 29
        time = 0 if kind < 4 else (now + 400 * DAY).timestamp() if kind < 8 else now.timestamp()
        content = {"model": "assistant", "prompt": "Hello", "response": "Hi", "timestamp": time}
        value = CUT_OFF if kind >= 25 else json.dumps(content).encode()
        producer.send(topic, key=b"%d" % number, value=value)
    producer.flush()
    with running_ingest(postgres_engine, settings):
        wait_until(lambda: total_offset(postgres_engine) == 580, "reading", seconds=40)
    at = utc_now()
    watch_conditions(postgres_engine, settings, [settings], at, started_at=now)
    with transaction(postgres_engine) as connection:
        (incident,) = list_incidents(connection, cause="dead_letters")
    assert "240 of 580 sampled records (41%)" in incident.summary
    for reason in ("invalid_json", "bad_timestamp", "future_timestamp"):
        assert f"80 {reason}" in incident.summary
    assert incident.fingerprint > {"invalid_json", "bad_timestamp", "future_timestamp"}
