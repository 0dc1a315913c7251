"""Load: every codec, records with and without keys, committed and aborted transactions."""

import random
import threading
import time
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from tests.soak.ledger import Ledger
from tests.soak.records import make_record

CODECS = (None, "gzip", "lz4", "zstd", "snappy")
TICK_SECONDS = 0.2
#: Longer than any outage, so that the producer's own retries bring every record to the log.
DELIVERY_TIMEOUT_MS = 600_000
#: While a partition has no leader, a producer spins until it has connected again.
RECONNECT_BACKOFF_MAX_MS = 500
SHARE_ABORTED = 0.4


class Load:
    """Two producer threads: single records, and transactions."""

    def __init__(
        self,
        bootstrap_servers: str,
        topic: str,
        ledger: Ledger,
        *,
        seed: int,
        records_per_second: float,
        steady: threading.Lock,
    ) -> None:
        """Prepare to produce.

        Args:
            bootstrap_servers: The broker.
            topic: The topic.
            ledger: Where each record is entered.
            seed: Decides the records, the bursts and the aborts.
            records_per_second: The mean rate.
            steady: Held during a transaction; whoever stops the broker holds it too, so that it is
                always known how a transaction ended.
        """
        self._servers = bootstrap_servers
        self._topic = topic
        self._ledger = ledger
        self._seed = seed
        self._rate = records_per_second
        self._steady = steady
        self._numbers = threading.Lock()
        self._stop = threading.Event()
        self.failure: BaseException | None = None
        bodies = (self._send_singly, self._send_in_transactions)
        self._threads = [threading.Thread(target=self._run, args=(body,)) for body in bodies]

    def start(self) -> None:
        """Start producing."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop once the broker has acknowledged every record."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        if self.failure:
            raise self.failure

    def end_with_marks(self, n_partitions: int) -> None:
        """End each partition with a transaction marker, half of them aborts."""
        producer = self._open(None, transactional_id="soak")
        producer.init_transactions()
        for aborts in (False, True):
            producer.begin_transaction()
            numbers = [
                self._send(producer, partition=partition)
                for partition in range(int(aborts), n_partitions, 2)
            ]
            producer.flush()
            self._end(producer, numbers, aborts=aborts)
        producer.close()

    def _run(self, body: Any) -> None:
        try:
            body()
        except BaseException as failure:  # noqa: BLE001 - raised again by stop()
            self.failure = failure

    def _open(self, codec: str | None, **options: Any) -> KafkaProducer:
        return KafkaProducer(
            bootstrap_servers=self._servers,
            compression_type=codec,
            linger_ms=20,
            max_block_ms=DELIVERY_TIMEOUT_MS,
            delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
            reconnect_backoff_max_ms=RECONNECT_BACKOFF_MAX_MS,
            enable_idempotence=True,
            **options,
        )

    def _send(self, producer: KafkaProducer, partition: int | None = None) -> int:
        with self._numbers:
            number = self._ledger.next_number()
        record = make_record(self._seed, number)
        future = producer.send(
            self._topic,
            key=record.key,
            value=record.value,
            headers=record.headers,
            partition=partition,
        )
        future.add_callback(self._ledger.placed, number)
        return number

    def _send_singly(self) -> None:
        rng = random.Random(f"{self._seed}/bursts")
        producers = [self._open(codec) for codec in CODECS]
        begun, sent = time.monotonic(), 0
        try:
            while not self._stop.is_set():
                due = (time.monotonic() - begun) * self._rate - sent
                burst = min(round(due * rng.uniform(0.5, 1.5)), 5000)
                producer = rng.choice(producers)
                for _ in range(burst):
                    self._send(producer)
                sent += max(burst, 0)
                self._stop.wait(TICK_SECONDS)
        finally:
            for producer in producers:
                producer.flush(DELIVERY_TIMEOUT_MS / 1000)
                producer.close()

    def _send_in_transactions(self) -> None:
        rng = random.Random(f"{self._seed}/transactions")
        producer = None
        while not self._stop.wait(rng.uniform(0.2, 2.0)):
            with self._steady:
                numbers: list[int] = []
                try:
                    if producer is None:
                        producer = self._open(rng.choice(CODECS), transactional_id="soak")
                        producer.init_transactions()
                    aborts = rng.random() < SHARE_ABORTED
                    producer.begin_transaction()
                    numbers += [self._send(producer) for _ in range(rng.randrange(1, 60))]
                    producer.flush()
                    self._end(producer, numbers, aborts=aborts)
                except KafkaError:
                    # Committed or not: only the broker knows. Its successor aborts what is open.
                    self._ledger.unconfirmed.update(numbers)
                    if producer is not None:
                        producer.close(timeout=5)
                    producer = None
        if producer is not None:
            producer.close()

    def _end(self, producer: KafkaProducer, numbers: list[int], *, aborts: bool) -> None:
        if aborts:
            producer.abort_transaction()
            self._ledger.aborted.update(numbers)
        else:
            producer.commit_transaction()
