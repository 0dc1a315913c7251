"""Completeness of partitions, with an unreachable broker."""

from datetime import UTC, datetime, timedelta

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError
from sqlalchemy import Engine

from monitor.store.engine import transaction
from monitor.store.traffic.offsets import claim, complete_until
from monitor.traffic.kafka import assignment
from monitor.traffic.kafka.assignment import Assignment
from monitor.traffic.kafka.batch import PartitionState
from monitor.traffic.kafka.consumer import RebalanceListener

PARTITION = TopicPartition("topic", 0)
NEVER = datetime.min.replace(tzinfo=UTC)


class Consumer:
    """A consumer with scripted positions from the last fetch and from the broker."""

    def __init__(self, last_fetch: int, broker: int | None) -> None:
        self.last_fetch = last_fetch
        self.broker = broker

    def highwater(self, partition: TopicPartition) -> int:
        return self.last_fetch

    def end_offsets(
        self, partitions: list[TopicPartition], timeout_ms: int
    ) -> dict[TopicPartition, int]:
        if self.broker is None:
            raise KafkaTimeoutError
        return dict.fromkeys(partitions, self.broker)


def owner(consumer: Consumer, engine: Engine, clock: datetime) -> Assignment:
    """Return an assignment of one partition, with the offsets before 7 stored."""
    owned = Assignment(
        consumer,
        RebalanceListener(),
        engine,
        topic="topic",
        start_at="earliest",
        drop=lambda partition: None,
    )
    owned.states[PARTITION] = PartitionState("topic", 0, stored=7)
    with transaction(engine) as connection:
        claim(connection, "topic", 0, first=7, now=clock)
    return owned


def until(engine: Engine) -> datetime | None:
    with transaction(engine) as connection:
        return complete_until(connection, "topic")


@pytest.mark.parametrize(
    ("consumer", "is_complete"),
    [
        (Consumer(last_fetch=7, broker=7), True),
        (Consumer(last_fetch=7, broker=None), False),  # out of reach: 7 is what it was
        (Consumer(last_fetch=7, broker=9), False),  # reached again, and there is more
        (Consumer(last_fetch=9, broker=7), False),  # an open transaction: the end is not readable
    ],
)
def test_traffic_is_complete_up_to_the_confirmed_end(
    consumer: Consumer, is_complete: bool, engine: Engine, clock: datetime
) -> None:
    owned = owner(consumer, engine, clock)

    owned.record_caught_up(clock)

    assert (clock if is_complete else NEVER) == until(engine)


def test_a_busy_topic_is_complete_up_to_the_request_time(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With continuous records, the stored offset never reaches the end of the last fetch."""
    monkeypatch.setattr(assignment, "NOTE_SECONDS", 0.0)
    consumer = Consumer(last_fetch=9, broker=9)
    owned = owner(consumer, engine, clock)
    state = owned.states[PARTITION]
    minute = timedelta(minutes=1)

    owned.record_caught_up(clock)  # the end is 9
    for number, (stored, complete) in enumerate([(8, NEVER), (9, clock), (11, clock)], start=1):
        state.stored, consumer.broker = stored, 9 + 3 * number
        consumer.last_fetch = consumer.broker
        owned.record_caught_up(clock + number * minute)
        assert complete == until(engine)
    state.stored = 18  # the end that was asked for in the third minute
    consumer.broker = consumer.last_fetch = 100
    owned.record_caught_up(clock + 9 * minute)
    assert clock + 3 * minute == until(engine)
