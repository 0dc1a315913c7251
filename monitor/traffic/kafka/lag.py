"""Consumer lag, measured on threads of its own: also while nothing can be read or stored."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError
from sqlalchemy import Engine

from monitor.errors import BrokerUnavailableError, TransientError
from monitor.repeated_lines import OutageLog
from monitor.settings import Kafka, Secrets
from monitor.store.engine import transaction
from monitor.store.traffic.offsets import next_offsets
from monitor.telemetry import (
    CONSUMER_LAG,
    CONSUMER_LAG_MEASURED,
    SERVICE_FAILURES,
    STORED_OFFSET,
    get_logger,
)
from monitor.traffic.kafka.consumer import connect, explain_failure

log = get_logger(__name__)

#: Not longer than Prometheus' shortest usual interval of scrapes.
MEASURE_EVERY_SECONDS = 15.0
TIMEOUT_MS = 4_000
#: Time for the last measurement at the end.
JOIN_SECONDS = 2.0


class LagMeter:
    """Meter of the lag of all partitions, of this replica or not: broker's end less stored offset.

    The stored offsets are read on another thread than the broker's: a database that hangs stops
    only them, and while it can't be written they stay right.
    """

    def __init__(self, engine: Engine, settings: Kafka, secrets: Secrets) -> None:
        self._engine = engine
        self._settings = settings
        self._secrets = secrets
        self._topic = settings.topic
        self._stored: Mapping[int, int] = {}
        self._consumer: Any = None
        self._outage = OutageLog(log)

    def read_stored(self) -> None:
        """Read the stored offsets; the last known ones stay where the database is unavailable."""
        with suppress(TransientError), transaction(self._engine) as connection:
            self._stored = next_offsets(connection, self._topic)
        for partition, offset in self._stored.items():
            STORED_OFFSET.labels(self._topic, partition).set(offset)

    def measure(self) -> None:
        """Export the lag; the last known one stays, with its time, where no broker is available."""
        try:
            begins, ends = self._read_broker()
        except (TransientError, KafkaError) as error:
            self.close()
            SERVICE_FAILURES.labels("lag").inc()
            code = getattr(error, "code", "")
            self._outage.failed("lag_not_measured", error=str(error), code=code, action="retry")
            return
        self._outage.succeeded("lag_measured")
        for partition, end in ends.items():
            stored = self._stored.get(partition)
            if stored is None:  # no replica has read it
                stored = begins[partition] if self._reads_all else end
            CONSUMER_LAG.labels(self._topic, partition).set(max(end - stored, 0))
        CONSUMER_LAG_MEASURED.labels(self._topic).set(time.time())

    @property
    def _reads_all(self) -> bool:
        return self._settings.auto_offset_reset == "earliest"

    def close(self) -> None:
        """Close the connection to the brokers."""
        if self._consumer is not None:
            with suppress(KafkaError):
                self._consumer.close(autocommit=False, timeout_ms=TIMEOUT_MS)
            self._consumer = None

    def _read_broker(self) -> tuple[dict[int, int], dict[int, int]]:
        """Return the begin and end of each partition's log."""
        if self._consumer is None:
            self._consumer = connect(
                self._settings, self._secrets, group_id=None, enable_auto_commit=False
            )
        try:
            return self._read_ends()
        except KafkaError as error:
            explain_failure(self._consumer, self._settings, self._secrets, error)
            raise

    def _read_ends(self) -> tuple[dict[int, int], dict[int, int]]:
        numbers = self._consumer.partitions_for_topic(self._topic)
        if not numbers:
            raise BrokerUnavailableError(f"no such topic: {self._topic}")
        partitions = [TopicPartition(self._topic, number) for number in numbers]
        # Up to the high water mark: an open transaction counts as lag.
        begins = self._consumer.beginning_offsets(partitions, timeout_ms=TIMEOUT_MS)
        ends = self._consumer.end_offsets(partitions, timeout_ms=TIMEOUT_MS)
        return (
            {partition.partition: offset for partition, offset in begins.items()},
            {partition.partition: offset for partition, offset in ends.items()},
        )


@contextmanager
def measured_lag(engine: Engine, settings: Kafka, secrets: Secrets) -> Iterator[None]:
    """Measure the lag during a block."""
    meter, stop = LagMeter(engine, settings, secrets), threading.Event()
    # An outage that lasts since the start is told by the age of the start.
    CONSUMER_LAG_MEASURED.labels(settings.topic).set(time.time())
    meter.read_stored()
    threads = [
        threading.Thread(target=_repeat, args=(step, stop), name=name, daemon=True)
        for name, step in (("stored-offsets", meter.read_stored), ("lag", meter.measure))
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        threads[1].join(JOIN_SECONDS)
        if not threads[1].is_alive():
            meter.close()


def _repeat(step: Callable[[], None], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            step()
        except Exception:  # whatever it is, measuring must go on
            log.exception("lag_measurement_failed")
        stop.wait(MEASURE_EVERY_SECONDS)
