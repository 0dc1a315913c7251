"""Positions of partitions and batches of sampled records, between polling and storage."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.store.traffic.offsets import OffsetMove
from monitor.traffic.record import RawRecord

#: Bounds memory: a batch of large records closes before it has ``traffic.batch_size``.
MAX_BATCH_BYTES = 32_000_000
#: Records of a batch that are observed only, for each of the sample's: they are not embedded.
OBSERVED_PER_SAMPLED = 32


@dataclass(frozen=True)
class EndOffset:
    """End offset of a partition at a time: all records written before lie below it."""

    offset: int
    observed_at: datetime


@dataclass(eq=False)
class PartitionState:
    """Progress in one partition, from its assignment until its revocation."""

    source: str
    partition: int
    #: The next offset that the database holds.
    stored: int
    #: First offset of the next batch.
    batched: int = 0
    #: The next offset to poll.
    position: int = 0
    #: ``False`` once the partition was revoked: its batches are no longer stored.
    current: bool = True
    #: Set if the broker no longer has ``position``: once all that was read is stored, the offset
    #: is looked up again.
    out_of_range: bool = False
    #: The end offset that must be stored before the traffic up to then counts as complete.
    pending_end: EndOffset | None = None

    def __post_init__(self) -> None:
        self.batched = self.position = self.stored


@dataclass(frozen=True)
class OffsetRange:
    """Offsets of a partition that a batch covers: ``[first, end)``, sampled or not."""

    state: PartitionState
    first: int
    end: int

    @property
    def move(self) -> OffsetMove:
        """The move of the stored offset."""
        return OffsetMove(self.state.source, self.state.partition, self.first, self.end)


@dataclass(frozen=True)
class RawBatch:
    """Sampled records, and the spans they were sampled from."""

    records: list[RawRecord]
    dead_letters: list[DeadLetterRow]
    ranges: list[OffsetRange]
    received_at: datetime

    def drop_revoked(self) -> "RawBatch":
        """Return the batch without revoked partitions."""
        if all(offset_range.state.current for offset_range in self.ranges):
            return self
        current = [offset_range for offset_range in self.ranges if offset_range.state.current]
        partitions = {offset_range.state.partition for offset_range in current}
        return RawBatch(
            [r for r in self.records if r.position.partition in partitions],
            [d for d in self.dead_letters if d.position.partition in partitions],
            current,
            self.received_at,
        )


def end_offset(record: RawRecord | DeadLetterRow) -> int:
    """Return the offset after a sampled record or dead letter."""
    return record.end if isinstance(record, DeadLetterRow) else record.position.offset + 1


@dataclass
class BatchBuilder:
    """Builder of a batch of sampled records, with those that are observed only.

    A batch is cut by its sampled records, so that observed ones don't change what is embedded at
    once.
    """

    max_records: int
    records: list[RawRecord] = field(default_factory=list)
    dead_letters: list[DeadLetterRow] = field(default_factory=list)
    n_bytes: int = 0
    n_sampled: int = 0

    def add(self, record: RawRecord | DeadLetterRow) -> bool:
        """Add a record or dead letter; return whether the batch is full."""
        if isinstance(record, RawRecord):
            self.records.append(record)
            self.n_bytes += record.size_bytes
            self.n_sampled += record.sampled
        else:
            self.dead_letters.append(record)
        return (
            self.n_sampled >= self.max_records
            or self.n_bytes >= MAX_BATCH_BYTES
            or len(self.records) >= self.max_records * (1 + OBSERVED_PER_SAMPLED)
        )

    def drop(self, partition: int) -> None:
        """Drop the records of a partition."""
        self.records = [r for r in self.records if r.position.partition != partition]
        self.dead_letters = [d for d in self.dead_letters if d.position.partition != partition]
        self.n_bytes = sum(record.size_bytes for record in self.records)
        self.n_sampled = sum(record.sampled for record in self.records)

    def cut(self, states: Iterable[PartitionState], now: datetime) -> RawBatch | None:
        """Return the batch up to the partitions' positions; ``None`` if nothing was read."""
        ranges = [
            OffsetRange(state, state.batched, state.position)
            for state in states
            if state.position != state.batched
        ]
        if not ranges:
            return None
        for offset_range in ranges:
            offset_range.state.batched = offset_range.end
        batch = RawBatch(self.records, self.dead_letters, ranges, now)
        self.records, self.dead_letters, self.n_bytes, self.n_sampled = [], [], 0, 0
        return batch
