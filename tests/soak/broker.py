"""Kafka broker under test: stops, kills, and deletion of its oldest records."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from bench.services.kafka import KafkaServer

REQUEST_SECONDS = 30


class Broker:
    """A broker with one topic."""

    def __init__(self, server: KafkaServer, topic: str, n_partitions: int) -> None:
        self._server = server
        self.topic = topic
        self.n_partitions = n_partitions
        self.bootstrap_servers = server.bootstrap_servers
        #: Held while the broker is away, and during a transaction of the load.
        self.steady = threading.Lock()

    def start(self) -> None:
        """Start the broker for the first time and create the topic."""
        self._server.start()
        with self._admin() as admin:
            admin.create_topics(
                [NewTopic(self.topic, num_partitions=self.n_partitions, replication_factor=1)]
            )

    def go_away(self, *, kill: bool) -> None:
        """Stop the broker cleanly, or like a power cut."""
        (self._server.kill if kill else self._server.stop)()

    def come_back(self) -> None:
        """Restart the broker with the same data."""
        self._server.start()

    def ends(self) -> dict[int, int]:
        """Return the end of each partition: one past its last record or transaction marker."""
        partitions = [TopicPartition(self.topic, number) for number in range(self.n_partitions)]
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap_servers)
        try:
            result = consumer.end_offsets(partitions, timeout_ms=REQUEST_SECONDS * 1000)
        finally:
            consumer.close(autocommit=False)
        return {partition.partition: end for partition, end in result.items()}

    def delete_before(self, offsets: Mapping[int, int]) -> None:
        """Delete the records of partitions up to, not including, an offset."""
        with self._admin() as admin:
            admin.delete_records(
                {TopicPartition(self.topic, number): end for number, end in offsets.items()}
            )

    @contextmanager
    def _admin(self) -> Iterator[KafkaAdminClient]:
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        try:
            yield admin
        finally:
            admin.close()
