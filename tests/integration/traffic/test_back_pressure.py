"""Back-pressure of a slow encoder: reading pauses, membership continues, memory is bounded."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from sqlalchemy import Engine

from monitor.telemetry import EXCHANGES_STORED, OWNERSHIP_LOST, RECORDS_READ, RECORDS_SAMPLED
from monitor.traffic.kafka import batch as batches
from monitor.traffic.kafka.consumer import PARTS_PER_POLL
from monitor.traffic.kafka.wire import partition_reader
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.traffic.ingest import (
    expected_ids,
    ingest_settings,
    limit_session,
    produce,
    running_ingest,
    stored_ids,
    total_lag,
    total_offset,
    wait_until,
)

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

SESSION_TIMEOUT_SECONDS = 4.0
BATCH_SIZE = 64
MAX_POLL_RECORDS = 50
#: One batch at work, one in the queue, one that grows, and what one poll brings.
MOST_HELD = 3 * BATCH_SIZE + PARTS_PER_POLL * MAX_POLL_RECORDS


class SlowEncoder(FakeEncoder):
    """An encoder whose first batch waits for a gate; records the buffered amount per call."""

    def __init__(self, look: Callable[[], None]) -> None:
        self.gate = threading.Event()
        self.waiting = threading.Event()
        self._look = look

    def encode(self, texts: Sequence[str]) -> Any:
        self.waiting.set()
        self.gate.wait(60)
        threading.Event().wait(0.02)  # slower than three partitions bring records
        self._look()
        return super().encode(texts)


def members(bootstrap_servers: str, group: str) -> list[str]:
    """Return the members of the group; a member that rejoins has a new name."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    (described,) = admin.describe_groups([group]).values()
    admin.close()
    return [member["member_id"] for member in described["members"]]


def count(metric: Any, topic: str) -> int:
    return int(metric.labels(topic)._value.get())


def test_a_slow_encoder_pauses_reading_and_keeps_the_membership(
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
) -> None:
    settings = ingest_settings(
        bootstrap_servers,
        topic,
        postgres_database,
        monitoring={"sample_rate": 1.0},
        kafka={"max_poll_records": MAX_POLL_RECORDS},
        traffic={"batch_size": BATCH_SIZE},
    )
    settings = limit_session(settings, seconds=SESSION_TIMEOUT_SECONDS)
    held: list[int] = []
    encoder = SlowEncoder(
        lambda: held.append(count(RECORDS_SAMPLED, topic) - count(EXCHANGES_STORED, topic))
    )
    produce(producer, topic, 0, 5000)

    with running_ingest(postgres_engine, settings, encoder):
        assert encoder.waiting.wait(30)
        before = members(bootstrap_servers, settings.kafka.group_id)
        threading.Event().wait(SESSION_TIMEOUT_SECONDS + 1)
        assert total_offset(postgres_engine) == 0
        assert count(RECORDS_READ, topic) <= MOST_HELD, "reading went on: nothing could be stored"
        assert total_lag(topic) == 5000
        encoder.gate.set()
        wait_until(lambda: total_offset(postgres_engine) >= 5000, "reading all", seconds=60)
        assert before == members(bootstrap_servers, settings.kafka.group_id)

    assert expected_ids(5000, 1.0) == stored_ids(postgres_engine)
    assert count(RECORDS_READ, topic) == 5000, "a rebalance had records read again"
    assert count(OWNERSHIP_LOST, topic) == 0
    assert len(held) > 50
    assert max(held) <= MOST_HELD


def test_memory_of_large_records_is_bounded_by_size(
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a thousand records of 20 kB, at most some hundred kilobytes are held at once."""
    monkeypatch.setattr(batches, "MAX_BATCH_BYTES", 200_000)
    monkeypatch.setattr(partition_reader, "MAX_KEPT_BYTES", 50_000)
    settings = ingest_settings(
        bootstrap_servers,
        topic,
        postgres_database,
        monitoring={"sample_rate": 1.0},
        traffic={"batch_size": 10_000},
    )
    held: list[int] = []
    encoder = SlowEncoder(
        lambda: held.append(count(RECORDS_SAMPLED, topic) - count(EXCHANGES_STORED, topic))
    )
    for n in range(1000):
        value = b'{"id": "r%d", "prompt": "%s", "response": "yes"}' % (n, b"x" * 20_000)
        producer.send(topic, key=b"r%d" % n, value=value)
    producer.flush()

    with running_ingest(postgres_engine, settings, encoder):
        assert encoder.waiting.wait(30)
        encoder.gate.set()
        wait_until(lambda: total_offset(postgres_engine) >= 1000, "reading all", seconds=60)

    assert expected_ids(1000, 1.0) == stored_ids(postgres_engine)
    most_bytes = 3 * (200_000 + 20_000) + PARTS_PER_POLL * (50_000 + 20_000)
    assert max(held) * 20_000 <= most_bytes
