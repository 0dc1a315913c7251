"""The consumer loop: sample, batch, hand to the worker, and never stop polling."""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata
from sqlalchemy import Engine

from monitor.errors import BrokerUnavailableError
from monitor.settings import Secrets, Settings
from monitor.store.exchanges import Position
from monitor.telemetry import (
    CONSUMER_LAG,
    RECORDS_SAMPLED,
    RECORDS_SEEN,
    SERVICE_FAILURES,
    Heartbeat,
    get_logger,
)
from monitor.traffic.assignment import Assignment
from monitor.traffic.backoff import Backoff
from monitor.traffic.batch import GrowingBatch, RawBatch
from monitor.traffic.kafka_source import (
    Rebalances,
    concerns_a_record,
    open_consumer,
    require_codecs,
)
from monitor.traffic.prepare import Preparer, TextEncoder
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling import Sampler, record_identity
from monitor.traffic.timestamps import EPOCH
from monitor.traffic.unreadable import step_over_unreadable
from monitor.traffic.worker import IngestWorker

log = get_logger(__name__)

POLL_MS = 500
#: While a batch waits for the worker, or offsets for the database, the loop looks more often.
BUSY_POLL_MS = 50
COMMIT_TIMEOUT_MS = 3000
CLOSE_TIMEOUT_MS = 5000
#: How long the last batch may take when asked to stop.
FINISH_SECONDS = 30.0


def run_ingest(
    engine: Engine,
    settings: Settings,
    secrets: Secrets,
    encoder: TextEncoder,
    stop: threading.Event,
    *,
    heartbeat: Heartbeat | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Consume the topic until ``stop`` is set.

    A broker or database that is away is waited for. What was read but not stored when this
    returns, or dies, is read again by whoever comes next.

    Raises:
        ConfigurationError: A codec is missing or the client refuses the settings.
    """
    require_codecs()
    heartbeat = heartbeat or Heartbeat("ingest")
    backoff = Backoff()
    while not stop.is_set():
        heartbeat.beat()
        listener = Rebalances()
        try:
            consumer = open_consumer(settings.kafka, secrets, listener)
        except BrokerUnavailableError as error:
            SERVICE_FAILURES.labels("kafka").inc()
            log.warning("Kafka is away; trying again", error=str(error))
            backoff.wait(stop)
            continue
        log.info("consuming", topic=settings.kafka.topic, group=settings.kafka.group_id)
        Ingest(
            consumer,
            listener,
            engine,
            settings,
            encoder,
            stop=stop,
            heartbeat=heartbeat,
            clock=clock,
        ).run()
        return


class Ingest:
    """One consumer's life. Everything here runs on the main loop's thread."""

    def __init__(
        self,
        consumer: Any,
        listener: Rebalances,
        engine: Engine,
        settings: Settings,
        encoder: TextEncoder,
        *,
        stop: threading.Event,
        heartbeat: Heartbeat,
        clock: Callable[[], datetime],
    ) -> None:
        self._consumer = consumer
        self._settings = settings
        self._stop = stop
        self._heartbeat = heartbeat
        self._clock = clock
        self._topic = settings.kafka.topic
        self._sampler = Sampler(settings.monitoring.sample_rate)
        self._seen = RECORDS_SEEN.labels(self._topic)
        self._sampled = RECORDS_SAMPLED.labels(self._topic)
        self._growing = GrowingBatch(settings.traffic.batch_size)
        self._growing_since: float | None = None
        #: Batches that the worker has no room for; nothing is fetched while there are any.
        self._waiting: deque[RawBatch] = deque()
        # Waiting too long between polls would give the partitions away.
        self._backoff = Backoff(cap_seconds=min(30.0, settings.kafka.max_poll_interval_seconds / 3))
        self._assignment = Assignment(
            consumer,
            listener,
            engine,
            topic=self._topic,
            start_at=settings.kafka.start_at,
            forget=self._growing.forget,
        )
        self._worker = IngestWorker(
            engine,
            Preparer(settings.traffic, encoder, default_model=settings.model.name),
            stop,
            inclusion_probability=self._sampler.inclusion_probability,
            clock=clock,
        )

    def run(self) -> None:
        """Loop until stopped, then store what was read and leave the group."""
        try:
            while not self._stop.is_set():
                self._heartbeat.beat()
                records = self._poll()
                self._assignment.hear_of_rebalances()
                self._take(records)
                if self._assignment.skip_what_is_never_returned():
                    self._growing_since = self._growing_since or time.monotonic()
                self._settle_outcomes()
                self._flush_when_due()
                self._hand_over()
                self._assignment.look_up(resume=not self._waiting, now=self._clock())
                self._assignment.note_caught_up(self._clock())
                if self._worker.failure:
                    raise self._worker.failure
            self._finish()
        finally:
            # Kafka's own offsets follow the database's, never lead: no commit of what was polled.
            self._consumer.close(autocommit=False, timeout_ms=CLOSE_TIMEOUT_MS)
            log.info("left the group", topic=self._topic)

    def _poll(self) -> dict[TopicPartition, list[Any]]:
        busy = self._waiting or self._assignment.unknown
        try:
            records: dict[TopicPartition, list[Any]] = self._consumer.poll(
                timeout_ms=BUSY_POLL_MS if busy else POLL_MS
            )
        except OffsetOutOfRangeError as error:
            for partition in error.args[0]:
                self._assignment.mark_out_of_range(partition)
            self._cut()
        except NoOffsetForPartitionError:
            pass  # assigned, and not looked up in the database yet
        except Exception as error:  # noqa: BLE001 - whatever it raises, polling must go on
            if concerns_a_record(error):
                return self._step_over_unreadable(error)
            SERVICE_FAILURES.labels("kafka").inc()
            log.warning("Kafka is in trouble; trying again", error=str(error))
            self._backoff.wait(self._stop)
        else:
            self._backoff.reset()
            return records
        return {}

    def _step_over_unreadable(self, error: Exception) -> dict[TopicPartition, list[Any]]:
        """Go on behind the records that can't be read, and return what was read meanwhile."""
        records, letters = step_over_unreadable(
            self._consumer, self._assignment, topic=self._topic, now=self._clock()
        )
        if not self._waiting:
            self._assignment.resume_all()
        if letters:
            self._growing.dead_letters += letters
            self._growing_since = self._growing_since or time.monotonic()
        else:
            log.warning("polling failed", error=str(error), kind=type(error).__name__)
            self._backoff.wait(self._stop)
        return records

    def _take(self, records: dict[TopicPartition, list[Any]]) -> None:
        """Sample what was polled, before anything looks into it."""
        id_header = self._settings.traffic.id_header
        topic = self._topic
        for partition, fetched in records.items():
            state = self._assignment.states.get(partition)
            if state is None:
                continue  # not looked up yet: it will be read again from where it should
            self._seen.inc(len(fetched))
            for record in fetched:
                identity = record_identity(
                    record.key,
                    _header(record, id_header) if id_header else None,
                    source=topic,
                    partition=partition.partition,
                    offset=record.offset,
                )
                state.position = record.offset + 1
                if self._sampler.keeps(identity) and self._growing.add(self._raw(record)):
                    self._cut()
            # After the loop: what follows the last cut waits for the clock.
            self._growing_since = self._growing_since or time.monotonic()

    def _raw(self, record: Any) -> RawRecord:
        self._sampled.inc()
        has_time = record.timestamp is not None and record.timestamp > 0
        return RawRecord(
            Position(self._topic, record.partition, record.offset),
            record.key,
            record.value,
            EPOCH + timedelta(milliseconds=record.timestamp) if has_time else self._clock(),
            tuple(record.headers),
        )

    def _flush_when_due(self) -> None:
        since = self._growing_since
        if since is not None and time.monotonic() - since >= self._settings.traffic.flush_seconds:
            self._cut()

    def _cut(self) -> None:
        """Close the batch. One without samples moves the offsets only."""
        self._growing_since = None
        batch = self._growing.cut(self._assignment.states.values(), self._clock())
        if batch is not None:
            self._waiting.append(batch)

    def _hand_over(self) -> None:
        """Give the worker what it has room for; fetch only while nothing waits."""
        waited = bool(self._waiting)
        while self._waiting and self._worker.offer(self._waiting[0]):
            self._waiting.popleft()
        if self._waiting:
            self._assignment.pause_all()
        elif waited:
            self._assignment.resume_all()

    def _settle_outcomes(self) -> dict[TopicPartition, OffsetAndMetadata]:
        """Note what was stored, and read again what wasn't; return the offsets for Kafka."""
        commits: dict[TopicPartition, OffsetAndMetadata] = {}
        while not self._worker.outcomes.empty():
            outcome = self._worker.outcomes.get()
            for span in outcome.spans:
                state = span.state
                if not outcome.stored:
                    self._assignment.read_again(state)
                    continue
                state.stored = span.end
                partition = TopicPartition(self._topic, state.partition)
                commits[partition] = OffsetAndMetadata(span.end, "", -1)
                lag = self._assignment.lag(state)
                if lag is not None:
                    CONSUMER_LAG.labels(self._topic, state.partition).set(lag)
        if commits and not self._stop.is_set():
            # Serves lag tools only; what goes wrong here is put right by the next one.
            self._consumer.commit_async(commits, callback=_note_commit)
        return commits

    def _finish(self) -> None:
        """Store what was read, within a limit of time; the rest will be read again."""
        self._cut()
        deadline = time.monotonic() + FINISH_SECONDS
        while self._waiting and self._worker.offer(
            self._waiting[0], timeout_seconds=max(0.1, deadline - time.monotonic())
        ):
            self._waiting.popleft()
        if not self._worker.close(timeout_seconds=max(0.1, deadline - time.monotonic())):
            log.warning("the last batch could not be stored in time; it will be read again")
        if self._worker.failure:
            raise self._worker.failure
        commits = self._settle_outcomes()
        if commits:
            with suppress(KafkaError):
                self._consumer.commit(commits, timeout_ms=COMMIT_TIMEOUT_MS)


def _header(record: Any, name: str) -> bytes | None:
    return next((value for key, value in record.headers if key == name), None)


def _note_commit(_offsets: Any, response: Any) -> None:
    if isinstance(response, Exception):
        log.debug("Kafka did not take the commit", error=str(response))
