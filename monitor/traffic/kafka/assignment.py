"""Assigned partitions and their offsets from the database."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

from kafka import TopicPartition
from kafka.errors import IllegalStateError, KafkaError
from sqlalchemy import Engine

from monitor.errors import DatabaseUnavailableError, LostOwnershipError, TransientError
from monitor.repeated_lines import OutageLog
from monitor.store.engine import transaction
from monitor.store.traffic.offsets import record_caught_up
from monitor.telemetry import get_logger
from monitor.traffic.backoff import Backoff
from monitor.traffic.kafka.batch import EndOffset, PartitionState
from monitor.traffic.kafka.consumer import RebalanceListener
from monitor.traffic.kafka.starting_offsets import LOOK_UP_TIMEOUT_MS, look_up_offsets

log = get_logger(__name__)

#: Seconds without an assigned partition after which the log warns.
IDLE_SECONDS = 30.0
#: Seconds between two updates of the time up to which all traffic is stored.
NOTE_SECONDS = 5.0


class Assignment:
    """Partitions assigned to this replica; each has a state once its offset was looked up."""

    def __init__(
        self,
        consumer: Any,
        listener: RebalanceListener,
        engine: Engine,
        *,
        topic: str,
        start_at: Literal["earliest", "latest"],
        drop: Callable[[int], None],
    ) -> None:
        """Start without partitions.

        The consumer is used from the main loop's thread only. A partition that no replica has read
        begins at ``start_at``. ``drop`` is called with a partition's number when its unstored
        records must be dropped.
        """
        self._consumer = consumer
        self._listener = listener
        self._engine = engine
        self._topic = topic
        self._start_at: Literal["earliest", "latest"] = start_at
        self._drop_records = drop
        self._backoff = Backoff()
        self._next_look_up = 0.0
        self._next_note = 0.0
        self._outage = OutageLog(log)
        self._idle_since = time.monotonic()
        self.states: dict[TopicPartition, PartitionState] = {}
        #: Assigned partitions whose offset is not known yet; they are paused.
        self.unknown: set[TopicPartition] = set()

    def process_rebalances(self) -> None:
        """Apply the rebalances since the last call."""
        while not self._listener.events.empty():
            kind, partitions = self._listener.events.get()
            for partition in partitions:
                self._drop(partition)
            if kind == "assigned":
                self.unknown |= partitions
            else:
                self.unknown -= partitions
            log.info(
                "partitions_rebalanced",
                change=kind,
                partitions=sorted(p.partition for p in partitions),
            )
        self._warn_when_idle()

    def reload_offset(self, state: PartitionState) -> None:
        """Drop the unstored records of a partition; continue at the database's offset."""
        partition = TopicPartition(self._topic, state.partition)
        if self.states.get(partition) is not state:
            return  # revoked or looked up again already
        self._drop(partition)
        self.pause(partition)
        self.unknown.add(partition)

    def look_up(self, *, resume: bool, now: datetime) -> None:
        """Look up unknown offsets, if a retry is due.

        With ``resume`` they are fetched at once.
        """
        for state in list(self.states.values()):
            # Records read before the broker deleted them are stored first.
            if state.out_of_range and state.stored == state.position:
                self.reload_offset(state)
        if not self.unknown or time.monotonic() < self._next_look_up:
            return
        try:
            offsets = look_up_offsets(
                self._consumer, self._engine, self.unknown, start_at=self._start_at, now=now
            )
        except (TransientError, LostOwnershipError, KafkaError) as error:
            log.warning("offset_lookup_failed", error=str(error), action="retry")
            self._next_look_up = time.monotonic() + self._backoff.next_delay()
            return
        for partition, offset in offsets.items():
            try:
                self._consumer.seek(partition, offset)
                if resume:
                    self._consumer.resume(partition)
            except (KeyError, ValueError):  # revoked meanwhile; the event will follow
                continue
            self.states[partition] = PartitionState(self._topic, partition.partition, offset)
        self.unknown -= offsets.keys()
        if self.unknown:
            self._next_look_up = time.monotonic() + self._backoff.next_delay()
        else:
            self._backoff.reset()

    def pause(self, *partitions: TopicPartition) -> None:
        """Pause partitions that are still assigned."""
        for partition in partitions:
            with suppress(KeyError):
                self._consumer.pause(partition)

    def pause_all(self) -> None:
        """Pause all partitions; polling goes on and keeps the membership."""
        self.pause(*self.states)

    def resume_all(self) -> None:
        """Resume all partitions."""
        for partition, state in self.states.items():
            if not state.out_of_range:
                with suppress(KeyError):
                    self._consumer.resume(partition)

    def mark_out_of_range(self, partition: TopicPartition) -> None:
        """Mark a partition whose next record the broker no longer has."""
        if partition in self.states:
            self.states[partition].out_of_range = True
            self.pause(partition)

    @property
    def is_out_of_range(self) -> bool:
        """Whether a partition waits until all that was read of it is stored."""
        return any(state.out_of_range for state in self.states.values())

    def record_caught_up(self, now: datetime) -> None:
        """Record periodically until when, before this call, a partition's traffic is stored.

        The evaluation of a window waits for this time, so that a backlog is not mistaken for
        silence, and a request waits for its response. Once the end offset that the broker reported
        is stored, all records written before the report are stored, even if the end has moved on.
        """
        if time.monotonic() < self._next_note:
            return
        self._next_note = time.monotonic() + NOTE_SECONDS
        try:
            self._request_end_offsets(now)
            complete = self._pop_reached_ends()
            if complete:
                with transaction(self._engine) as connection:
                    record_caught_up(connection, self._topic, complete)
        except (DatabaseUnavailableError, KafkaError) as error:
            self._outage.failed("completeness_unknown", error=str(error))
        else:
            self._outage.succeeded("completeness_known")

    def _request_end_offsets(self, now: datetime) -> None:
        """Request the end offsets of partitions without a pending one."""
        partitions = [
            partition for partition, state in self.states.items() if not state.pending_end
        ]
        if not partitions:
            return
        ends = self._consumer.end_offsets(partitions, timeout_ms=LOOK_UP_TIMEOUT_MS)
        for partition in partitions:
            state = self.states[partition]
            if ends[partition] >= state.stored:  # else its log was truncated
                # Up to the high water mark: transactions may be open after the readable end.
                end = max(ends[partition], self._high_water_mark(partition) or 0)
                state.pending_end = EndOffset(end, now)

    def _pop_reached_ends(self) -> dict[int, datetime]:
        """Return the times of reached end offsets, by partition, and forget them."""
        reached: dict[int, datetime] = {}
        for state in self.states.values():
            if state.pending_end and state.stored >= state.pending_end.offset:
                reached[state.partition] = state.pending_end.observed_at
                state.pending_end = None
        return reached

    def _high_water_mark(self, partition: TopicPartition) -> int | None:
        try:
            mark: int | None = self._consumer.highwater(partition)
        except IllegalStateError:
            return None
        return mark

    def _drop(self, partition: TopicPartition) -> None:
        state = self.states.pop(partition, None)
        if state is not None:
            state.current = False
            self._drop_records(state.partition)

    def _warn_when_idle(self) -> None:
        if self.states or self.unknown:
            self._idle_since = time.monotonic()
        elif time.monotonic() - self._idle_since > IDLE_SECONDS:
            log.warning(
                "no_partition_assigned",
                topic=self._topic,
                cause="the topic does not exist, or the group has more replicas than partitions",
            )
            self._idle_since = time.monotonic()
