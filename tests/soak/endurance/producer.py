"""Steady load at a rate that can be changed, with known offsets."""

import threading
import time

from kafka import KafkaProducer

from tests.soak.endurance.records import make_steady_record
from tests.soak.ledger import Ledger

TICK_SECONDS = 0.05
#: What a busy machine is behind by is sent in larger ticks, up to this many seconds of the rate.
MAX_CATCH_UP_SECONDS = 1.0


class SteadyLoad:
    """A thread that produces, in turn to each partition.

    The only producer of its topic, idempotent: the offset of a record is the number of those that
    it sent to the partition before. :meth:`stop` waits until the broker has them all.
    """

    def __init__(
        self, bootstrap_servers: str, topic: str, ledger: Ledger, *, seed: int, n_partitions: int
    ) -> None:
        self._servers = bootstrap_servers
        self._topic = topic
        self._ledger = ledger
        self._seed = seed
        self._n_partitions = n_partitions
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        #: Records a second; 0 pauses.
        self.rate = 0.0
        self.failure: BaseException | None = None

    @property
    def n_sent(self) -> int:
        """Return the number of records that were handed to the producer."""
        return len(self._ledger)

    def start(self) -> None:
        """Start producing."""
        self._thread.start()

    def stop(self) -> None:
        """Stop once the broker has every record."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self.failure:
            raise self.failure

    def _run(self) -> None:
        try:
            self._produce()
        except BaseException as failure:  # noqa: BLE001 - raised again by stop()
            self.failure = failure

    def _produce(self) -> None:
        producer = KafkaProducer(
            bootstrap_servers=self._servers,
            compression_type="lz4",
            linger_ms=20,
            batch_size=65_536,
            enable_idempotence=True,
            delivery_timeout_ms=600_000,
            max_block_ms=600_000,
        )
        due, last = 0.0, time.monotonic()
        try:
            while not self._stop.wait(TICK_SECONDS):
                now = time.monotonic()
                due = min(due + (now - last) * self.rate, MAX_CATCH_UP_SECONDS * self.rate)
                last = now
                while due >= 1.0 and not self._stop.is_set():
                    self._send(producer)
                    due -= 1.0
        finally:
            producer.flush(600)
            producer.close()

    def _send(self, producer: KafkaProducer) -> None:
        number = len(self._ledger)
        partition = number % self._n_partitions
        record = make_steady_record(self._seed, number)
        producer.send(self._topic, key=record.key, value=record.value, partition=partition)
        self._ledger.partitions.append(partition)
        self._ledger.offsets.append(number // self._n_partitions)
