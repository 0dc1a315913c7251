"""A batch that rotted on the broker's disk: dead letters, and nothing else is touched."""

import json
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from sqlalchemy import Engine

from tests.services.ingest import (
    dead_letters,
    ingest_settings,
    produce,
    running_ingest,
    stored_ids,
    total_offset,
    wait_until,
)
from tests.services.kafka import KafkaServer

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]
ROTTEN = b"this record rots"


def test_a_corrupt_batch_becomes_dead_letters_and_what_follows_is_read(
    own_broker: KafkaServer, postgres_engine: Engine, postgres_database: str
) -> None:
    settings = ingest_settings(
        own_broker.bootstrap_servers,
        "rotten",
        postgres_database,
        monitoring={"sample_rate": 1.0},
    )
    own_broker.start()
    admin = KafkaAdminClient(bootstrap_servers=own_broker.bootstrap_servers)
    admin.create_topics([NewTopic("rotten", num_partitions=2, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=own_broker.bootstrap_servers, linger_ms=1000)
    produce(producer, "rotten", 0, 20)
    for _ in range(2):  # one batch of two records
        value = json.dumps({"prompt": ROTTEN.decode()}).encode()
        producer.send("rotten", partition=0, value=value)
    producer.flush()
    produce(producer, "rotten", 20, 40)
    producer.close()
    own_broker.stop()
    spoil(own_broker.folder / "data" / "rotten-0" / "00000000000000000000.log")
    own_broker.start()

    with running_ingest(postgres_engine, settings):
        wait_until(lambda: total_offset(postgres_engine) == 42, "reading everything", seconds=60)

    assert sorted(f"r{n}" for n in range(40)) == stored_ids(postgres_engine)
    assert ["unreadable"] * 2 == [reason for _, reason in dead_letters(postgres_engine)]


def spoil(segment: Path) -> None:
    """Flip a bit inside the batch; its checksum no longer fits."""
    log = bytearray(segment.read_bytes())
    log[log.index(ROTTEN)] ^= 1
    segment.write_bytes(log)
