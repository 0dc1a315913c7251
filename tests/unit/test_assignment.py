"""What ingest may claim of its partitions, with a broker that is out of reach."""

from datetime import UTC, datetime

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError
from sqlalchemy import Engine

from monitor.store.engine import transaction
from monitor.store.offsets import claim, complete_until
from monitor.traffic.assignment import Assignment
from monitor.traffic.batch import PartitionState
from monitor.traffic.kafka_source import Rebalances

PARTITION = TopicPartition("topic", 0)
NEVER = datetime.min.replace(tzinfo=UTC)


class Consumer:
    """Says what the last fetch told, and what the broker tells when it is asked."""

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


@pytest.mark.parametrize(
    ("consumer", "is_complete"),
    [
        (Consumer(last_fetch=7, broker=7), True),
        (Consumer(last_fetch=7, broker=None), False),  # out of reach: 7 is what it was
        (Consumer(last_fetch=7, broker=9), False),  # reached again, and there is more
        (Consumer(last_fetch=9, broker=7), False),  # an open transaction: the end is not readable
    ],
)
def test_traffic_is_complete_only_up_to_the_end_that_the_broker_confirms(
    consumer: Consumer, is_complete: bool, engine: Engine, clock: datetime
) -> None:
    owned = Assignment(
        consumer,
        Rebalances(),
        engine,
        topic="topic",
        start_at="earliest",
        forget=lambda partition: None,
    )
    owned.states[PARTITION] = PartitionState("topic", 0, stored=7)
    with transaction(engine) as connection:
        claim(connection, "topic", 0, first=7, now=clock)

    owned.note_caught_up(clock)

    with transaction(engine) as connection:
        assert (clock if is_complete else NEVER) == complete_until(connection, "topic")
