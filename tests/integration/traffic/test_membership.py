"""A consumer whose client no longer maintains its membership in the group."""

import time
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.future import Future
from sqlalchemy import Engine

from monitor.telemetry import SERVICE_FAILURES
from monitor.traffic.ingest import loop
from monitor.traffic.kafka.consumer import open_consumer
from tests.support.traffic.ingest import (
    expected_ids,
    ingest_settings,
    limit_session,
    produce,
    running_ingest,
    stored_ids,
    total_offset,
    wait_until,
)

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]
SESSION_SECONDS = 1.0


@pytest.fixture
def consumers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the consumers that are opened from now on."""
    opened: list[Any] = []

    def record(*arguments: Any) -> Any:
        opened.append(open_consumer(*arguments))
        return opened[-1]

    monkeypatch.setattr(loop, "open_consumer", record)
    return opened


def lose_join(consumer: Any) -> None:
    """Put a consumer into the state of one whose request to join is lost in its own client."""
    coordinator = consumer._coordinator
    coordinator.rejoin_needed = coordinator.rejoining = True
    coordinator._join_task = Future()
    coordinator._disable_heartbeat()
    consumer._subscription.assign_from_subscribed([])


def test_consumer_with_a_lost_join_is_replaced(
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
    consumers: list[Any],
) -> None:
    settings = limit_session(
        ingest_settings(
            bootstrap_servers, topic, postgres_database, monitoring={"sample_rate": 0.5}
        ),
        seconds=SESSION_SECONDS,
    )
    failures = SERVICE_FAILURES.labels("kafka")._value
    before = failures.get()
    produce(producer, topic, 0, 100)
    with running_ingest(postgres_engine, settings):
        wait_until(lambda: total_offset(postgres_engine) == 100, "reading the first 100")
        lose_join(consumers[0])
        produce(producer, topic, 100, 300)
        wait_until(lambda: total_offset(postgres_engine) == 300, "reading the rest", seconds=30)
    assert len(consumers) == 2
    assert failures.get() > before
    assert expected_ids(300, 0.5) == stored_ids(postgres_engine)


def test_an_idle_member_keeps_its_consumer(
    bootstrap_servers: str,
    topic: str,
    postgres_engine: Engine,
    postgres_database: str,
    consumers: list[Any],
) -> None:
    settings = limit_session(
        ingest_settings(bootstrap_servers, topic, postgres_database), seconds=SESSION_SECONDS
    )
    with running_ingest(postgres_engine, settings):
        wait_until(lambda: consumers != [] and consumers[0].assignment() != set(), "joining")
        time.sleep(5 * SESSION_SECONDS)
    assert len(consumers) == 1
