"""Records that the consumer itself can't read: found, kept as dead letters, and stepped over."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from kafka import TopicPartition

from monitor.errors import RecordError
from monitor.store.dead_letters import DeadLetterRow
from monitor.store.exchanges import Position
from monitor.traffic.assignment import Assignment
from monitor.traffic.batch import PartitionState
from monitor.traffic.kafka_source import concerns_a_record, drop_failed_fetch
from monitor.traffic.prepare import dead_letter
from monitor.traffic.record import RawRecord

#: How long one partition is polled alone.
PROBE_MS = 1000
#: Records given up on in one go; between two the loop hears of rebalances and outcomes.
MAX_GIVEN_UP = 100

Records = dict[TopicPartition, list[Any]]


def step_over_unreadable(
    consumer: Any, assignment: Assignment, *, topic: str, now: datetime
) -> tuple[Records, list[DeadLetterRow]]:
    """Find the partition whose next records can't be read, and go on behind them.

    ``poll`` doesn't say which partition failed, so each is polled alone; the others stay paused.

    Returns:
        What was read meanwhile, and a dead letter for each record that was given up.
    """
    drop_failed_fetch(consumer)
    records: Records = {}
    letters: list[DeadLetterRow] = []
    for partition, state in list(assignment.states.items()):
        if state.out_of_range or letters:
            continue
        assignment.pause_all()
        # A corrupt batch fails at each of its records.
        while len(letters) < MAX_GIVEN_UP and (
            failure := _probe(consumer, partition, state, records)
        ):
            letters.append(_letter(topic, state, failure, now))
            state.position += 1
            with suppress(KeyError, ValueError):  # taken away just now
                consumer.seek(partition, state.position)
    return records, letters


def _probe(
    consumer: Any, partition: TopicPartition, state: PartitionState, records: Records
) -> Exception | None:
    """Poll one partition alone; return why its next record can't be read, if it can't.

    Only what fails twice counts: the first failure may be of another partition's last fetch.
    """
    failure = None
    for _ in range(2):
        try:
            consumer.seek(partition, state.position)
            consumer.resume(partition)
            records.update(consumer.poll(timeout_ms=PROBE_MS))
        except Exception as error:  # noqa: BLE001 - the same that brought us here
            drop_failed_fetch(consumer)
            if partition not in consumer.assignment() or not concerns_a_record(error):
                return None
            failure = error
        else:
            return None
    return failure


def _letter(topic: str, state: PartitionState, failure: Exception, now: datetime) -> DeadLetterRow:
    """Return the dead letter of the record at a partition's position; its bytes can't be had."""
    unread = RawRecord(Position(topic, state.partition, state.position), None, None, now)
    reason = RecordError("unreadable", f"{type(failure).__name__}: {failure}")
    return dead_letter(unread, reason, 1.0, now)
