"""Unreadable data from a real broker: its offsets are recorded, all else is stored."""

import importlib
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from sqlalchemy import Engine, select

from bench.services.kafka import KafkaServer
from monitor.errors import ConfigurationError
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.tables import DeadLetter
from monitor.store.traffic.offsets import next_offsets
from monitor.traffic.ingest import loop
from monitor.traffic.ingest.loop import run_ingest
from monitor.traffic.kafka.wire import decompression as inflating
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.traffic.ingest import (
    ingest_settings,
    produce,
    running_ingest,
    stored_ids,
    total_offset,
    wait_until,
)

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

BATCH_SIZE = 10


def dead_letters(engine: Engine) -> list[tuple[str, int, int, int]]:
    """Return reason, partition, first and last offset of each dead letter."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(
                DeadLetter.reason, DeadLetter.partition, DeadLetter.offset, DeadLetter.last_offset
            ).order_by(DeadLetter.partition, DeadLetter.offset)
        ).all()
    return [(row[0], row[1], row[2], row[2] if row[3] is None else row[3]) for row in rows]


def ids(*numbers: Any) -> list[str]:
    return sorted(f"r{n}" for n in numbers)


@pytest.fixture
def read(
    bootstrap_servers: str, postgres_engine: Engine, postgres_database: str
) -> Callable[[str, int], None]:
    """Ingest a topic up to a sum of offsets."""

    def run(topic: str, n_records: int) -> None:
        settings = ingest_settings(
            bootstrap_servers, topic, postgres_database, monitoring={"sample_rate": 1.0}
        )
        with running_ingest(postgres_engine, settings):
            wait_until(lambda: total_offset(postgres_engine) >= n_records, "reading all")

    return run


@pytest.fixture
def large_producer(bootstrap_servers: str) -> Iterator[Callable[..., KafkaProducer]]:
    """Create producers of abnormally large batches."""
    made: list[KafkaProducer] = []

    def make(**options: Any) -> KafkaProducer:
        producer = KafkaProducer(
            bootstrap_servers=bootstrap_servers, max_request_size=500_000_000, **options
        )
        made.append(producer)
        return producer

    yield make
    for producer in made:
        producer.close()


def test_a_decompression_bomb_becomes_a_dead_letter(
    create_topic: Callable[..., str],
    producer: KafkaProducer,
    large_producer: Callable[..., KafkaProducer],
    read: Callable[[str, int], None],
    postgres_engine: Engine,
) -> None:
    """300 MB in a batch of 10 KB, which passes every limit of the broker."""
    topic = create_topic(partitions=1)
    produce(producer, topic, 0, 5)
    bomber = large_producer(compression_type="zstd")
    bomber.send(topic, key=b"bomb", value=bytes(300_000_000)).get(60)
    produce(producer, topic, 5, 10)

    read(topic, 11)

    assert ids(*range(10)) == stored_ids(postgres_engine)
    assert dead_letters(postgres_engine) == [("inflates_too_far", 0, 5, 5)]


def test_a_50_mb_record_is_a_dead_letter_without_bytes(
    create_topic: Callable[..., str],
    producer: KafkaProducer,
    large_producer: Callable[..., KafkaProducer],
    read: Callable[[str, int], None],
    postgres_engine: Engine,
) -> None:
    topic = create_topic(partitions=1, configs={"max.message.bytes": "60000000"})
    produce(producer, topic, 0, 5)
    for _ in range(3):
        large_producer().send(topic, key=b"large", value=os.urandom(50_000_000)).get(60)
    produce(producer, topic, 5, 10)

    read(topic, 13)

    assert ids(*range(10)) == stored_ids(postgres_engine)
    assert [("too_large", 0, n, n) for n in (5, 6, 7)] == dead_letters(postgres_engine)
    with transaction(postgres_engine) as connection:
        rows = connection.execute(select(DeadLetter.key, DeadLetter.value, DeadLetter.detail)).all()
    for key, value, detail in rows:
        assert (bytes(key), value) == (b"large", None)
        assert detail.startswith("50000005 bytes, not kept; SHA-256")


@pytest.fixture
def no_lz4(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a missing lz4 package."""

    def load(module: str) -> Any:
        if module.startswith("lz4"):
            raise ModuleNotFoundError(module)
        return importlib.import_module(module)

    monkeypatch.setattr(inflating, "_load", load)


@pytest.mark.usefixtures("no_lz4")
def test_ingest_refuses_to_start_without_a_codec(engine: Engine) -> None:
    with pytest.raises(ConfigurationError, match="codecs: lz4"):
        run_ingest(engine, Settings(), Secrets(), FakeEncoder(), stop=Any)


@pytest.mark.usefixtures("no_lz4")
def test_a_batch_of_a_missing_codec_costs_its_offsets(
    create_topic: Callable[..., str],
    producer: KafkaProducer,
    large_producer: Callable[..., KafkaProducer],
    read: Callable[[str, int], None],
    postgres_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The codec is checked at the start, so it can only disappear later."""
    monkeypatch.setattr(loop, "require_codecs", lambda: None)
    topic = create_topic(partitions=1)
    produce(producer, topic, 0, 5)
    produce(large_producer(compression_type="lz4", linger_ms=500), topic, 5, 9)
    produce(large_producer(compression_type="zstd"), topic, 9, 14)

    read(topic, 14)

    assert ids(*range(5), *range(9, 14)) == stored_ids(postgres_engine)
    lost = [
        n for _, _, first, last in dead_letters(postgres_engine) for n in range(first, last + 1)
    ]
    assert lost == [5, 6, 7, 8]
    assert {"unknown_codec"} == {dead_letter[0] for dead_letter in dead_letters(postgres_engine)}


def write_batches(broker: KafkaServer, topic: str, n_batches: int) -> None:
    """Create a topic of two partitions with batches of ten records."""
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, linger_ms=1000)
    for first in range(0, n_batches * BATCH_SIZE, BATCH_SIZE):
        for partition in (0, 1):
            for n in range(first, first + BATCH_SIZE):
                value = b'{"id": "r%d-%d", "prompt": "p", "response": "yes"}' % (partition, n)
                producer.send(topic, key=b"%d" % n, value=value, partition=partition)
        producer.flush()
    producer.close()


def segment(broker: KafkaServer, topic: str, partition: int) -> Path:
    return broker.folder / "data" / f"{topic}-{partition}" / f"{0:020}.log"


def batch_at(data: bytes, offset: int) -> int:
    """Return the position in a segment of the batch with this base offset."""
    position = 0
    while True:
        base, length = struct.unpack_from(">qi", data, position)
        if base == offset:
            return position
        position += 12 + length


def overwrite(path: Path, at: int, new: bytes) -> None:
    """Change a segment of a running broker in place, like a failing disk."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(new)


def test_a_batch_that_rotted_on_disk_costs_its_own_offsets(
    module_broker: KafkaServer, postgres_engine: Engine, postgres_database: str
) -> None:
    write_batches(module_broker, "rotten", 6)
    path = segment(module_broker, "rotten", 1)
    data = path.read_bytes()
    for offset in (20, 30, 50):
        at = batch_at(data, offset) + 80
        overwrite(path, at, bytes([data[at] ^ 0xFF]))
    settings = ingest_settings(
        module_broker.bootstrap_servers,
        "rotten",
        postgres_database,
        monitoring={"sample_rate": 1.0},
    )

    with running_ingest(postgres_engine, settings):
        wait_until(lambda: total_offset(postgres_engine) >= 120, "reading both partitions")

    lost = [("corrupt_batch", 1, first, first + 9) for first in (20, 30, 50)]
    assert lost == dead_letters(postgres_engine)
    readable = [n for n in range(60) if n // 10 not in {2, 3, 5}]
    expected = [*(f"0-{n}" for n in range(60)), *(f"1-{n}" for n in readable)]
    assert ids(*expected) == stored_ids(postgres_engine)


def test_a_damaged_log_stops_only_its_partition(
    module_broker: KafkaServer, postgres_engine: Engine, postgres_database: str
) -> None:
    """The next batch can't be located, so nothing is skipped; the other partition continues."""
    write_batches(module_broker, "broken", 6)
    path = segment(module_broker, "broken", 1)
    data = path.read_bytes()
    length_at = batch_at(data, 20) + 8
    overwrite(path, length_at, struct.pack(">i", -5))
    settings = ingest_settings(
        module_broker.bootstrap_servers,
        "broken",
        postgres_database,
        monitoring={"sample_rate": 1.0},
    )
    with running_ingest(postgres_engine, settings):
        wait_until(lambda: total_offset(postgres_engine) >= 80, "reading what can be read")
        producer = KafkaProducer(bootstrap_servers=module_broker.bootstrap_servers)
        for n in range(60, 70):
            value = b'{"id": "r0-%d", "prompt": "p", "response": "yes"}' % n
            producer.send("broken", key=b"%d" % n, value=value, partition=0)
        producer.close()
        wait_until(lambda: total_offset(postgres_engine) >= 90, "reading on in the other one")
    with transaction(postgres_engine) as connection:
        assert next_offsets(connection, "broken") == {0: 70, 1: 20}

    overwrite(path, length_at, data[length_at : length_at + 4])
    with running_ingest(postgres_engine, settings):
        wait_until(lambda: total_offset(postgres_engine) >= 130, "reading what was repaired")

    assert dead_letters(postgres_engine) == []
    expected = [*(f"0-{n}" for n in range(70)), *(f"1-{n}" for n in range(60))]
    assert ids(*expected) == stored_ids(postgres_engine)
