"""Ingest with a real Kafka and PostgreSQL: no record lost or stored twice."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from sqlalchemy import Engine, text

from bench.services.kafka import KafkaServer
from bench.services.postgres import PostgresServer
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import metadata
from monitor.store.traffic.offsets import complete_until, gaps_detected, last_gaps, next_offsets
from monitor.telemetry import (
    RECORDS_LOST_TO_RETENTION,
    RECORDS_READ,
    RECORDS_SAMPLED,
    REGISTRY,
    SERVICE_FAILURES,
)
from monitor.traffic.kafka import assignment, lag
from tests.support.traffic.ingest import (
    dead_letters,
    expected_ids,
    ingest_settings,
    lag_measured_at,
    produce,
    running_ingest,
    stored_ids,
    total_lag,
    total_offset,
    wait_until,
)

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def frequent_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the lag five times a second."""
    monkeypatch.setattr(lag, "MEASURE_EVERY_SECONDS", 0.2)


def n_failures(service: str) -> int:
    return int(SERVICE_FAILURES.labels(service)._value.get())


def read_up_to(engine: Engine, n_records: int) -> Callable[[], bool]:
    return lambda: total_offset(engine) >= n_records


def test_stored_records_are_those_the_sampling_rule_selects(
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
) -> None:
    settings = ingest_settings(bootstrap_servers, topic, postgres_database)
    produce(producer, topic, 0, 3000)

    with running_ingest(postgres_engine, settings):
        wait_until(read_up_to(postgres_engine, 3000), "reading 3000 records")
        produce(producer, topic, 3000, 4000)
        wait_until(read_up_to(postgres_engine, 4000), "reading 1000 more")

    assert expected_ids(4000, 0.05) == stored_ids(postgres_engine)
    assert [] == dead_letters(postgres_engine)
    assert 4000 == RECORDS_READ.labels(topic)._value.get()
    # There before the first event, which `increase()` would not see otherwise.
    for counter in ("records_lost_to_retention", "ownership_lost", "exchanges_withheld"):
        value = REGISTRY.get_sample_value(f"driftwarden_{counter}_total", {"source": topic})
        assert value == 0
    assert len(expected_ids(4000, 0.05)) == RECORDS_SAMPLED.labels(topic)._value.get()


def test_a_stopped_ingest_goes_on_where_it_was(
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
) -> None:
    settings = ingest_settings(
        bootstrap_servers, topic, postgres_database, monitoring={"sample_rate": 1.0}
    )
    for n_records in (400, 800, 1200):
        produce(producer, topic, n_records - 400, n_records)
        with running_ingest(postgres_engine, settings):
            # Stopped in the midst of it: what was read is stored, the rest is read next time.
            time.sleep(1.0)
    with running_ingest(postgres_engine, settings):
        wait_until(read_up_to(postgres_engine, 1200), "reading the rest")

    assert expected_ids(1200, 1.0) == stored_ids(postgres_engine)


def test_unreadable_records_become_dead_letters(
    bootstrap_servers: str,
    create_topic: Callable[..., str],
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
) -> None:
    topic = create_topic(partitions=1)
    settings = ingest_settings(
        bootstrap_servers,
        topic,
        postgres_database,
        monitoring={"sample_rate": 1.0},
        traffic={"max_record_bytes": 2_000_000},
    )
    hostile: list[bytes | None] = [
        None,
        b"",
        b"{",
        b'{"prompt": "\xff"}',
        b"[" * 100_000,
        b'{"prompt": "' + b"x" * 3_000_000 + b'"}',
        b'{"prompt": 7}',
        b'{"prompt": "x", "timestamp": 0}',
    ]
    produce(producer, topic, 0, 5)
    for value in hostile:
        producer.send(topic, key=b"k", value=value)
    producer.send(topic, value=b'{"id": "r5", "prompt": "a\\u0000b \\ud800", "response": "yes"}')
    producer.flush()

    with running_ingest(postgres_engine, settings):
        wait_until(read_up_to(postgres_engine, 14), "reading 14 records")

    assert [f"r{n}" for n in range(6)] == stored_ids(postgres_engine)
    reasons = ["null_value", "empty_value", "invalid_json", "invalid_utf8", "too_deep",
               "too_large", "wrong_type", "bad_timestamp"]  # fmt: skip
    assert [(5 + i, reason) for i, reason in enumerate(reasons)] == dead_letters(postgres_engine)
    with transaction(postgres_engine) as connection:
        remaining = connection.execute(text('SELECT value FROM dead_letters ORDER BY "offset"'))
        assert hostile == [None if row[0] is None else bytes(row[0]) for row in remaining]


@pytest.mark.parametrize("moment", ["before_database_commit", "before_kafka_commit"])
def test_a_process_killed_between_its_commits_loses_and_doubles_nothing(
    moment: str,
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
) -> None:
    produce(producer, topic, 0, 3000)

    def run_child(when: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.traffic.ingest_child"),
                *(bootstrap_servers, topic, postgres_database, when),
            ],
            cwd=ROOT,
        )

    killed = run_child(moment)
    assert -signal.SIGKILL == killed.wait(60)
    behind = total_offset(postgres_engine)
    assert behind < 3000, "the child was killed too late to show anything"
    assert (moment == "before_kafka_commit") <= (behind > 0)

    survivor = run_child("never")
    try:
        wait_until(read_up_to(postgres_engine, 3000), "reading the rest")
    finally:
        survivor.terminate()
        assert 0 == survivor.wait(60)

    assert expected_ids(3000, 0.3) == stored_ids(postgres_engine)


def test_two_replicas_share_a_topic_without_doubling(
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
) -> None:
    settings = ingest_settings(
        bootstrap_servers, topic, postgres_database, monitoring={"sample_rate": 0.5}
    )
    second = make_engine(postgres_database)
    with running_ingest(postgres_engine, settings):
        produce(producer, topic, 0, 2000)
        with running_ingest(second, settings):
            produce(producer, topic, 2000, 5000)
            time.sleep(2)
        produce(producer, topic, 5000, 6000)
        wait_until(read_up_to(postgres_engine, 6000), "reading everything")
    second.dispose()

    assert expected_ids(6000, 0.5) == stored_ids(postgres_engine)


def test_records_deleted_by_retention_are_a_gap(
    bootstrap_servers: str,
    create_topic: Callable[..., str],
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
) -> None:
    topic = create_topic(partitions=1)
    settings = ingest_settings(
        bootstrap_servers, topic, postgres_database, monitoring={"sample_rate": 1.0}
    )
    produce(producer, topic, 0, 50)
    with running_ingest(postgres_engine, settings):
        wait_until(read_up_to(postgres_engine, 50), "reading the first 50")
    produce(producer, topic, 50, 100)
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    admin.delete_records({TopicPartition(topic, 0): 80})
    admin.close()

    with running_ingest(postgres_engine, settings):
        wait_until(read_up_to(postgres_engine, 100), "reading what is left")
    assert RECORDS_LOST_TO_RETENTION.labels(topic)._value.get() == 30

    assert sorted(f"r{n}" for n in [*range(50), *range(80, 100)]) == stored_ids(postgres_engine)
    with transaction(postgres_engine) as connection:
        detected = last_gaps(connection)
        at = detected[topic]
        (gap,) = gaps_detected(connection, topic, at, at + timedelta(seconds=1))
    assert (0, 50, 79) == (gap.partition, gap.first_offset, gap.last_offset)
    assert {topic: gap.detected_at} == detected


def test_the_end_is_reached_after_transaction_markers(
    bootstrap_servers: str,
    create_topic: Callable[..., str],
    postgres_engine: Engine,
    postgres_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(assignment, "NOTE_SECONDS", 0.5)
    topic = create_topic(partitions=1)
    settings = ingest_settings(
        bootstrap_servers, topic, postgres_database, monitoring={"sample_rate": 1.0}
    )
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, transactional_id=topic)
    producer.init_transactions()
    producer.begin_transaction()
    produce(producer, topic, 0, 10)
    producer.commit_transaction()
    producer.begin_transaction()
    produce(producer, topic, 10, 20)
    producer.abort_transaction()
    producer.close()

    def caught_up() -> bool:
        with transaction(postgres_engine) as connection:
            until = complete_until(connection, topic)
        return until is not None and until.year > 1

    with running_ingest(postgres_engine, settings):
        wait_until(read_up_to(postgres_engine, 22), "reading behind the last mark")
        wait_until(caught_up, "noting that the topic was read to its end")

    assert 22 == total_offset(postgres_engine)
    assert expected_ids(10, 1.0) == stored_ids(postgres_engine)


def test_a_new_partition_can_begin_at_the_end(
    bootstrap_servers: str,
    create_topic: Callable[..., str],
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
) -> None:
    topic = create_topic(partitions=1)
    settings = ingest_settings(
        bootstrap_servers,
        topic,
        postgres_database,
        monitoring={"sample_rate": 1.0},
        kafka={"auto_offset_reset": "latest"},
    )
    produce(producer, topic, 0, 20)

    with running_ingest(postgres_engine, settings):
        wait_until(lambda: total_offset(postgres_engine) == 20, "claiming the partition")
        produce(producer, topic, 20, 25)
        wait_until(read_up_to(postgres_engine, 25), "reading what is new")

    assert [f"r{n}" for n in range(20, 25)] == stored_ids(postgres_engine)


@pytest.mark.usefixtures("frequent_lag")
def test_a_broker_that_starts_late_and_dies_is_waited_for(
    own_broker: KafkaServer, postgres_engine: Engine, postgres_database: str
) -> None:
    settings = ingest_settings(
        own_broker.bootstrap_servers,
        "late",
        postgres_database,
        monitoring={"sample_rate": 1.0},
    )
    failures = n_failures("kafka")
    with running_ingest(postgres_engine, settings) as ingest:
        wait_until(lambda: n_failures("kafka") >= failures + 2, "two attempts to connect")
        assert ingest.is_alive()
        own_broker.start()
        admin = KafkaAdminClient(bootstrap_servers=own_broker.bootstrap_servers)
        admin.create_topics([NewTopic("late", num_partitions=1, replication_factor=1)])
        admin.close()
        producer = KafkaProducer(bootstrap_servers=own_broker.bootstrap_servers)
        produce(producer, "late", 0, 200)
        wait_until(read_up_to(postgres_engine, 200), "reading after the broker's late start")
        wait_until(lambda: total_lag("late") == 0, "measuring the lag")
        own_broker.kill()
        time.sleep(1)
        measured = lag_measured_at("late")
        time.sleep(1)
        # The last known lag stays, with the time at which it was known.
        assert (total_lag("late"), lag_measured_at("late")) == (0, measured)
        own_broker.start()
        produce(producer, "late", 200, 400)
        producer.close()
        wait_until(read_up_to(postgres_engine, 400), "reading after the broker's death")
        wait_until(lambda: lag_measured_at("late") > measured, "measuring the lag again")

    assert expected_ids(400, 1.0) == stored_ids(postgres_engine)


@pytest.mark.usefixtures("frequent_lag")
def test_unavailable_database_is_waited_for(
    bootstrap_servers: str, topic: str, producer: KafkaProducer, own_postgres: PostgresServer
) -> None:
    engine = make_engine(own_postgres.url)
    metadata.create_all(engine)
    settings = ingest_settings(
        bootstrap_servers, topic, own_postgres.url, monitoring={"sample_rate": 1.0}
    )
    produce(producer, topic, 0, 500)
    with running_ingest(engine, settings):
        wait_until(read_up_to(engine, 500), "reading the first 500")
        wait_until(lambda: total_lag(topic) == 0, "measuring the lag")
        failures = n_failures("database")
        own_postgres.stop()
        produce(producer, topic, 500, 1000)
        wait_until(lambda: n_failures("database") >= failures + 3, "three attempts to store")
        wait_until(lambda: total_lag(topic) == 500, "measuring what can't be stored")
        own_postgres.start()
        wait_until(read_up_to(engine, 1000), "reading after the database came back")
        wait_until(lambda: total_lag(topic) == 0, "measuring that all is stored")
        # A database that hangs: neither batches nor the stored offsets get through.
        with transaction(engine) as connection:
            connection.execute(text("LOCK TABLE source_offsets IN ACCESS EXCLUSIVE MODE"))
            produce(producer, topic, 1000, 1060)
            wait_until(lambda: total_lag(topic) == 60, "measuring while the database hangs")
        wait_until(lambda: total_lag(topic) == 0, "measuring that the rest is stored")

    assert expected_ids(1060, 1.0) == stored_ids(engine)
    with transaction(engine) as connection:
        assert {0, 1, 2} == next_offsets(connection, topic).keys()
    engine.dispose()
