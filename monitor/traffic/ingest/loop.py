"""Consumer loop: polls without pause, samples, batches, hands over to the worker."""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata
from sqlalchemy import Engine

from monitor.errors import BrokerUnavailableError, DatabaseUnavailableError
from monitor.settings import Secrets, Sections
from monitor.telemetry import (
    RECORDS_READ,
    RECORDS_SAMPLED,
    SERVICE_FAILURES,
    Heartbeat,
    get_logger,
)
from monitor.traffic.backoff import Backoff
from monitor.traffic.embedding import TextEncoder
from monitor.traffic.end_users.rules import EndUserRules, open_rules
from monitor.traffic.ingest.observation_plans import ObservationPlans, kept_plans
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.row_process import RowProcess
from monitor.traffic.ingest.storage_metrics import create_counters
from monitor.traffic.ingest.sweeper import Sweeper
from monitor.traffic.ingest.worker import IngestWorker
from monitor.traffic.kafka.assignment import Assignment
from monitor.traffic.kafka.batch import BatchBuilder, RawBatch, end_offset
from monitor.traffic.kafka.consumer import RebalanceListener, open_consumer, require_codecs
from monitor.traffic.kafka.lag import measured_lag
from monitor.traffic.kafka.membership import Membership
from monitor.traffic.kafka.polling import Polled, Polling
from monitor.traffic.kafka.wire.selection import Selection
from monitor.traffic.sampling.design import SamplingDesign

log = get_logger(__name__)

#: A larger sampled record becomes a dead letter without its bytes; see ``Selection.keep``.
MAX_KEPT_RECORD_BYTES = 16_000_000
COMMIT_TIMEOUT_MS = 3000
CLOSE_TIMEOUT_MS = 5000
#: Time limit of the last batch on shutdown.
FINISH_SECONDS = 30.0


def run_ingest(
    engine: Engine,
    settings: Sections,
    secrets: Secrets,
    encoder: TextEncoder,
    stop: threading.Event,
    *,
    heartbeat: Heartbeat | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Consume the topic until ``stop`` is set.

    The loop waits for an unavailable broker or database. Records read but not stored when it
    returns or dies are read again by the next consumer.

    Raises:
        ConfigurationError: A codec is missing, the client rejects the settings, or the key of end
            users' ids is another one than the database's.
    """
    require_codecs()
    create_counters(settings.kafka.topic)
    heartbeat = heartbeat or Heartbeat("ingest")
    with (
        measured_lag(engine, settings.kafka, secrets),
        kept_plans(engine, settings) as plans,
    ):
        is_done = False
        while not is_done:
            with RowProcess(settings) as rows:
                is_done = _consume(
                    engine,
                    settings,
                    secrets,
                    encoder,
                    rows=rows,
                    plans=plans,
                    stop=stop,
                    heartbeat=heartbeat,
                    clock=clock,
                )


def _consume(
    engine: Engine,
    settings: Sections,
    secrets: Secrets,
    encoder: TextEncoder,
    *,
    rows: RowProcess,
    plans: ObservationPlans,
    stop: threading.Event,
    heartbeat: Heartbeat,
    clock: Callable[[], datetime],
) -> bool:
    """Consume until stopped; return ``False`` where the membership was lost before."""
    rules = _open_rules(engine, settings, secrets, stop, heartbeat)
    if rules is None:
        return True
    design = SamplingDesign(settings)
    selection = Selection(
        topic=settings.kafka.topic,
        sampler=design.sampler,
        id_header=settings.traffic.id_header,
        max_record_bytes=max(MAX_KEPT_RECORD_BYTES, settings.traffic.max_record_bytes),
        clock=clock,
        plans=plans.present,
    )
    backoff = Backoff()
    while not stop.is_set():
        heartbeat.beat()
        listener = RebalanceListener()
        try:
            consumer = open_consumer(settings.kafka, secrets, listener, selection)
        except BrokerUnavailableError as error:
            SERVICE_FAILURES.labels("kafka").inc()
            log.warning("kafka_unavailable", error=str(error), code=error.code, action="retry")
            backoff.wait(stop)
            continue
        log.info("consumer_started", topic=settings.kafka.topic, group=settings.kafka.group_id)
        return Ingest(
            consumer,
            listener,
            engine,
            settings,
            encoder,
            rows=rows,
            plans=plans,
            rules=rules,
            stop=stop,
            heartbeat=heartbeat,
            clock=clock,
        ).run()
    return True


def _open_rules(
    engine: Engine,
    settings: Sections,
    secrets: Secrets,
    stop: threading.Event,
    heartbeat: Heartbeat,
) -> EndUserRules | None:
    """Open the rules of end users once the database is available; ``None`` after a stop."""
    backoff = Backoff()
    while not stop.is_set():
        heartbeat.beat()
        try:
            rules = open_rules(engine, settings, secrets)
        except DatabaseUnavailableError as error:
            SERVICE_FAILURES.labels("database").inc()
            log.warning("database_unavailable", error=str(error), action="retry")
            backoff.wait(stop)
        else:
            if rules.ids.ring.is_generated:
                log.warning(
                    "user_id_key_in_database",
                    effect="who reads the database can compute end users' pseudonyms",
                    action="set DRIFTWARDEN_USER_ID_KEY; see docs/how-to/personal-data.md",
                )
            return rules
    return None


class Ingest:
    """Main loop of one consumer; everything runs on its thread."""

    def __init__(
        self,
        consumer: Any,
        listener: RebalanceListener,
        engine: Engine,
        settings: Sections,
        encoder: TextEncoder,
        *,
        rows: RowProcess,
        plans: ObservationPlans,
        rules: EndUserRules,
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
        self._seen = RECORDS_READ.labels(self._topic)
        self._sampled = RECORDS_SAMPLED.labels(self._topic)
        self._builder = BatchBuilder(settings.traffic.batch_size)
        self._builder_since: float | None = None
        #: Batches that wait for the worker; nothing is fetched meanwhile.
        self._waiting: deque[RawBatch] = deque()
        self._assignment = Assignment(
            consumer,
            listener,
            engine,
            topic=self._topic,
            start_at=settings.kafka.auto_offset_reset,
            drop=self._builder.drop,
        )
        self._polling = Polling(
            consumer,
            self._assignment,
            stop,
            # Longer pauses between polls would lose the partitions.
            longest_wait_seconds=min(30.0, settings.kafka.max_poll_interval.total_seconds() / 3),
        )
        self._membership = Membership(
            consumer, session_seconds=settings.kafka.session_timeout.total_seconds()
        )
        preparer = BatchPreparer(settings, rows, encoder, rules=rules, plans=plans.present)
        self._worker = IngestWorker(
            engine,
            preparer,
            stop,
            sweeper=Sweeper(engine, preparer, settings.traffic.join, clock=clock),
            clock=clock,
        )

    def run(self) -> bool:
        """Loop until stopped, then store what was read and leave the group.

        Return whether the consumer is still a member of the group; if not, another must replace it.
        """
        is_member = True
        try:
            while is_member and not self._stop.is_set():
                self._heartbeat.beat()
                polled = self._polling.poll(busy=bool(self._waiting))
                self._assignment.process_rebalances()
                self._take(polled)
                self._settle_outcomes()
                self._flush_when_due()
                self._hand_over()
                self._assignment.look_up(resume=not self._waiting, now=self._clock())
                self._assignment.record_caught_up(self._clock())
                if self._worker.failure:
                    raise self._worker.failure
                is_member = not self._membership.is_lost()
            if not is_member:
                SERVICE_FAILURES.labels("kafka").inc()
                log.warning("membership_lost", topic=self._topic, action="join the group again")
            self._finish()
        finally:
            # Kafka's offsets follow the database's: polled records are not committed.
            self._consumer.close(autocommit=False, timeout_ms=CLOSE_TIMEOUT_MS)
            log.info("consumer_stopped", topic=self._topic)
        return is_member

    def _take(self, polled: Polled) -> None:
        """Add the sampled records of a poll to the batch."""
        for partition, parts in polled.items():
            state = self._assignment.states.get(partition)
            if state is None:
                continue  # its offset isn't looked up yet: the records will be read again
            for fetched in parts:
                self._seen.inc(fetched.n_records)
                self._sampled.inc(fetched.n_sampled)
                for record in fetched.records:
                    state.position = end_offset(record)
                    if self._builder.add(record):
                        self._cut()
                state.position = fetched.end
            # After the loop: records after the last full batch wait for the flush interval.
            self._builder_since = self._builder_since or time.monotonic()

    def _flush_when_due(self) -> None:
        since = self._builder_since
        if since is None:
            return
        waited = time.monotonic() - since >= self._settings.traffic.flush_interval.total_seconds()
        if waited or self._assignment.is_out_of_range:  # looked up again once all is stored
            self._cut()

    def _cut(self) -> None:
        """Close the batch; one without samples moves the offsets only."""
        self._builder_since = None
        batch = self._builder.cut(self._assignment.states.values(), self._clock())
        if batch is not None:
            self._waiting.append(batch)

    def _hand_over(self) -> None:
        """Hand batches to the worker; fetch only while none waits."""
        waited = bool(self._waiting)
        while self._waiting and self._worker.offer(self._waiting[0]):
            self._waiting.popleft()
        if self._waiting:
            self._assignment.pause_all()
        elif waited:
            self._assignment.resume_all()

    def _settle_outcomes(self) -> dict[TopicPartition, OffsetAndMetadata]:
        """Apply the outcomes of batches; return the offsets to commit to Kafka."""
        commits: dict[TopicPartition, OffsetAndMetadata] = {}
        while not self._worker.outcomes.empty():
            outcome = self._worker.outcomes.get()
            for offset_range in outcome.ranges:
                state = offset_range.state
                if not outcome.stored:
                    self._assignment.reload_offset(state)
                    continue
                state.stored = offset_range.end
                partition = TopicPartition(self._topic, state.partition)
                commits[partition] = OffsetAndMetadata(offset_range.end, "", -1)
        if commits and not self._stop.is_set():
            # For lag tools only; the next commit corrects a failed one.
            self._consumer.commit_async(commits, callback=_note_commit)
        return commits

    def _finish(self) -> None:
        """Store what was read within a time limit; the rest will be read again."""
        self._cut()
        deadline = time.monotonic() + FINISH_SECONDS
        while self._waiting and self._worker.offer(
            self._waiting[0], timeout_seconds=max(0.1, deadline - time.monotonic())
        ):
            self._waiting.popleft()
        if not self._worker.close(timeout_seconds=max(0.1, deadline - time.monotonic())):
            log.warning("last_batch_not_stored", action="its records will be read again")
        if self._worker.failure:
            raise self._worker.failure
        commits = self._settle_outcomes()
        if commits:
            with suppress(KafkaError):
                self._consumer.commit(commits, timeout_ms=COMMIT_TIMEOUT_MS)


def _note_commit(_offsets: Any, response: Any) -> None:
    if isinstance(response, Exception):
        log.debug("kafka_commit_failed", error=str(response))
