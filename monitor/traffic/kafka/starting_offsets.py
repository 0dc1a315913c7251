"""Lookup of the offsets at which a replica continues; gaps that retention left."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from kafka import TopicPartition
from sqlalchemy import Connection, Engine

from monitor.store.engine import transaction
from monitor.store.traffic.offsets import advance, claim, record_gap
from monitor.telemetry import RECORDS_LOST_TO_RETENTION, get_logger

log = get_logger(__name__)

#: Two of these must fit into the minimum of `kafka.max_poll_interval`, 10 s.
LOOK_UP_TIMEOUT_MS = 4_000


def look_up_offsets(
    consumer: Any,
    engine: Engine,
    partitions: Iterable[TopicPartition],
    *,
    start_at: Literal["earliest", "latest"],
    now: datetime,
) -> dict[TopicPartition, int]:
    """Return the offset at which to continue in each readable partition.

    Records that the broker deleted before they were read are recorded as a gap.

    Raises:
        DatabaseUnavailableError: The database is unavailable.
        LostOwnershipError: Another process moved an offset meanwhile.
        KafkaError: The broker is unavailable.
    """
    wanted = list(partitions)
    begins = consumer.beginning_offsets(wanted, timeout_ms=LOOK_UP_TIMEOUT_MS)
    ends = consumer.end_offsets(wanted, timeout_ms=LOOK_UP_TIMEOUT_MS)
    offsets: dict[TopicPartition, int] = {}
    gaps: dict[TopicPartition, tuple[int, int]] = {}
    with transaction(engine) as connection:
        for partition in wanted:
            begin, end = begins[partition], ends[partition]
            first = begin if start_at == "earliest" else end
            stored = claim(connection, partition.topic, partition.partition, first=first, now=now)
            if stored > end:
                log.error(
                    "stored_offset_beyond_end",
                    cause="the topic was recreated or its log truncated",
                    action="set kafka.topic to a new topic, or delete the partition's row in "
                    "source_offsets, its exchanges and its dead letters",
                    partition=partition.partition,
                    stored_offset=stored,
                    end_offset=end,
                )
                continue
            if stored < begin:
                _record_gap(connection, partition, stored, begin, now)
                gaps[partition] = (stored, begin - 1)
            offsets[partition] = max(stored, begin)
    for partition, (first, last) in gaps.items():
        RECORDS_LOST_TO_RETENTION.labels(partition.topic).inc(last - first + 1)
        log.error(
            "records_lost_to_retention",
            partition=partition.partition,
            first_offset=first,
            last_offset=last,
        )
    return offsets


def _record_gap(
    connection: Connection, partition: TopicPartition, stored: int, begin: int, now: datetime
) -> None:
    """Record a gap that retention left; move the offset to the first record that exists."""
    topic, number = partition.topic, partition.partition
    record_gap(
        connection, topic, number, first_offset=stored, last_offset=begin - 1, detected_at=now
    )
    advance(connection, topic, number, expected=stored, new=begin, now=now)
