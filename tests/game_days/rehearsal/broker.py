"""A real Kafka broker with the records of a world's topic, stopped where the world's is."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from bench.services.kafka import KafkaServer
from tests.game_days.world.topic import Topic


class Mirror:
    """The broker, and the offset up to which it has the records."""

    def __init__(self, server: KafkaServer, name: str, topic: Topic) -> None:
        self._server, self._name, self._topic = server, name, topic
        self._is_running = True
        self._end = 0
        servers = server.bootstrap_servers
        with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
            admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
            self.update()
            # What retention has left begins at the world's first offset.
            admin.delete_records({TopicPartition(name, 0): topic.first})

    def update(self) -> None:
        """Append what the world has sent since, and stop or start the broker as the world's."""
        if self._topic.is_available and not self._is_running:
            self._server.start()
        if self._topic.is_available:
            self._append()
        elif self._is_running:
            self._server.kill()
        self._is_running = self._topic.is_available

    def _append(self) -> None:
        if self._end == self._topic.end:
            return
        with closing(KafkaProducer(bootstrap_servers=self._server.bootstrap_servers)) as producer:
            for offset in range(self._end, self._topic.end):
                sent = self._topic.records.get(offset)
                at = None if sent is None else round(sent.at.timestamp() * 1000)
                key, value = (b"", b"") if sent is None else (sent.key, sent.value)
                producer.send(self._name, value, key=key, partition=0, timestamp_ms=at)
            producer.flush(30)
        self._end = self._topic.end


@contextmanager
def running_broker() -> Iterator[KafkaServer]:
    """Run a broker until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        server = KafkaServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()
