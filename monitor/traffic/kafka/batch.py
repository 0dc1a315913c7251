"""What lies between polling and storing: partitions' positions, and batches that grow."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.store.traffic.offsets import OffsetMove
from monitor.traffic.record import RawRecord

#: A batch of huge records closes before it reaches ``traffic.batch_size``, to bound memory.
MAX_BATCH_BYTES = 32_000_000


@dataclass(frozen=True)
class EndOffset:
    """Where a partition ended when the broker was asked: all written before lies below it."""

    offset: int
    observed_at: datetime


@dataclass(eq=False)
class PartitionState:
    """How far one partition was read, from when it was assigned until it is taken away."""

    source: str
    partition: int
    #: The next offset that the database holds.
    stored: int
    #: Where the next batch begins.
    batched: int = 0
    #: The next offset to poll.
    position: int = 0
    #: ``False`` once the partition was taken away: its batches aren't stored any more.
    current: bool = True
    #: Set where the broker no longer has ``position``: once all that was read is stored, the
    #: offset is looked up anew.
    out_of_range: bool = False
    #: The end that has to be stored before the traffic up to then can be called complete.
    pending_end: EndOffset | None = None

    def __post_init__(self) -> None:
        self.batched = self.position = self.stored


@dataclass(frozen=True)
class OffsetRange:
    """The part of a partition that a batch covers: ``[first, end)``, sampled or not."""

    state: PartitionState
    first: int
    end: int

    @property
    def move(self) -> OffsetMove:
        """Return how the batch moves the stored offset."""
        return OffsetMove(self.state.source, self.state.partition, self.first, self.end)


@dataclass(frozen=True)
class RawBatch:
    """Sampled records, and the spans they were sampled from."""

    records: list[RawRecord]
    dead_letters: list[DeadLetterRow]
    ranges: list[OffsetRange]
    received_at: datetime

    def drop_revoked(self) -> "RawBatch":
        """Return what is left when the partitions that were taken away are left out."""
        if all(offset_range.state.current for offset_range in self.ranges):
            return self
        kept = [offset_range for offset_range in self.ranges if offset_range.state.current]
        partitions = {offset_range.state.partition for offset_range in kept}
        return RawBatch(
            [r for r in self.records if r.position.partition in partitions],
            [d for d in self.dead_letters if d.position.partition in partitions],
            kept,
            self.received_at,
        )


def end_offset(kept: RawRecord | DeadLetterRow) -> int:
    """Return the offset behind what was kept."""
    return kept.end if isinstance(kept, DeadLetterRow) else kept.position.offset + 1


@dataclass
class BatchBuilder:
    """Collects sampled records until a batch is cut."""

    max_records: int
    records: list[RawRecord] = field(default_factory=list)
    dead_letters: list[DeadLetterRow] = field(default_factory=list)
    n_bytes: int = 0

    def add(self, kept: RawRecord | DeadLetterRow) -> bool:
        """Add a record, or a letter for what can't be one; return whether the batch is full."""
        if isinstance(kept, RawRecord):
            self.records.append(kept)
            self.n_bytes += kept.size_bytes
        else:
            self.dead_letters.append(kept)
        return len(self.records) >= self.max_records or self.n_bytes >= MAX_BATCH_BYTES

    def drop(self, partition: int) -> None:
        """Drop what was collected of a partition."""
        self.records = [r for r in self.records if r.position.partition != partition]
        self.dead_letters = [d for d in self.dead_letters if d.position.partition != partition]
        self.n_bytes = sum(record.size_bytes for record in self.records)

    def cut(self, states: Iterable[PartitionState], now: datetime) -> RawBatch | None:
        """Close the batch at the partitions' positions; ``None`` where nothing was read."""
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
        self.records, self.dead_letters, self.n_bytes = [], [], 0
        return batch
