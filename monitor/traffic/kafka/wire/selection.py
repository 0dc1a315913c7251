"""Selection of a topic's records by sampling."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.errors import RecordError
from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.store.traffic.position import Position
from monitor.traffic.dead_letters import record_dead_letter
from monitor.traffic.parsing.timestamps import from_milliseconds
from monitor.traffic.record import RawRecord, record_identity
from monitor.traffic.sampling.observation_plan import ObservationPlan
from monitor.traffic.sampling.sampler import Draw, Sampler

#: A sampled record, or the dead letter of one that is too large or unreadable.
SampledRecord = RawRecord | DeadLetterRow
Headers = tuple[tuple[str, bytes | None], ...]
#: Whether a record is kept, by key, headers, partition and offset.
Wants = Callable[[bytes | None, Headers, int, int], bool]

#: Python's overhead of a record.
OVERHEAD_BYTES = 500
#: Longer keys are truncated in dead letters.
MAX_DEAD_LETTER_KEY_BYTES = 1024


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Sampling of records before decoding."""

    topic: str
    sampler: Sampler
    #: Name of the header that identifies a request; empty to use the key.
    id_header: str
    #: A larger record becomes a dead letter with its size and digest.
    max_record_bytes: int
    clock: Callable[[], datetime]
    #: Returns the present plan of observation; it is read once for each batch of records.
    plans: Callable[[], ObservationPlan | None] = lambda: None
    plan: ObservationPlan | None = None

    def at_present(self) -> "Selection":
        """Return the selection under the present plan of observation."""
        plan = self.plans()
        return self if plan is self.plan else replace(self, plan=plan)

    @property
    def wants(self) -> Wants:
        """Return the function that tells whether a record is kept."""
        # Without an open rollout a record costs what it did: this is read once for each batch.
        return self._is_sampled if self.plan is None else self._is_wanted

    def _is_wanted(self, key: bytes | None, headers: Headers, partition: int, offset: int) -> bool:
        if self._is_sampled(key, headers, partition, offset):
            return True
        return self.plan is not None and self.plan.wants(headers)

    def _is_sampled(self, key: bytes | None, headers: Headers, partition: int, offset: int) -> bool:
        if key and not headers:
            return self.sampler.keeps(key)
        return self.sampler.keeps(self._identity(key, headers, partition, offset), headers)

    def _identity(self, key: bytes | None, headers: Headers, partition: int, offset: int) -> bytes:
        id_header = None
        if self.id_header:
            id_header = next((value for name, value in headers if name == self.id_header), None)
        return record_identity(
            key, id_header, source=self.topic, partition=partition, offset=offset
        )

    def keep(
        self,
        partition: int,
        offset: int,
        *,
        key: bytes | None,
        value: memoryview | None,
        headers: Headers,
        timestamp_ms: int,
    ) -> SampledRecord | None:
        """Return a wanted record, or its dead letter if it is too large.

        ``None`` for a record that is too large and was wanted only to be observed.

        Such a dead letter has neither value nor headers: personal data in them could not be found
        for erasure, and a few would fill the database.
        """
        position = Position(self.topic, partition, offset)
        # A producer may omit the time or write one that a datetime can't hold.
        now = self.clock()
        written_at = from_milliseconds(timestamp_ms, otherwise=now)
        n_bytes = len(key or b"") + len(b"" if value is None else value)
        n_bytes += sum(len(name) + len(content or b"") for name, content in headers)
        sampled = True
        if self.plan is not None:
            draw = self._draw(key, headers, position)
            sampled = draw.randomness >= draw.threshold
        if n_bytes <= self.max_record_bytes:
            copied = None if value is None else bytes(value)
            return RawRecord(
                position,
                key,
                copied,
                written_at,
                headers,
                read_at=now,
                sampled=sampled,
                plan=self.plan,
            )
        if not sampled:
            return None
        digest = hashlib.sha256(b"" if value is None else value).hexdigest()
        return record_dead_letter(
            RawRecord(position, key and key[:MAX_DEAD_LETTER_KEY_BYTES], None, written_at),
            RecordError("too_large", f"{n_bytes} bytes, not kept; SHA-256 of the value: {digest}"),
            self._draw(key, headers, position),
            now,
        )

    def _draw(self, key: bytes | None, headers: Headers, position: Position) -> Draw:
        identity = self._identity(key, headers, position.partition, position.offset)
        draw = self.sampler.draw(identity, headers)
        return draw._replace(threshold=draw.threshold_at(self.sampler.rate))

    def unreadable(self, partition: int, begin: int, end: int, error: RecordError) -> DeadLetterRow:
        """Return the dead letter of the unreadable offsets ``[begin, end)``.

        The bytes stay with the broker: compressed, they couldn't be searched for personal data.
        """
        return DeadLetterRow(
            position=Position(self.topic, partition, begin),
            key=None,
            value=None,
            reason=error.reason,
            detail=error.detail,
            inclusion_probability=1.0,
            received_at=self.clock(),
            last_offset=end - 1,
        )


@dataclass(frozen=True)
class FetchedPart:
    """A part of a partition, up to the offset ``end``."""

    end: int
    #: Records, wanted or not.
    n_records: int
    records: list[SampledRecord]

    @property
    def n_sampled(self) -> int:
        """The number of records of the sample; unreadable ones are not of it."""
        return sum(
            record.sampled if isinstance(record, RawRecord) else record.last_offset is None
            for record in self.records
        )


@dataclass
class FetchBuilder:
    """Builder of a fetched part."""

    max_records: int
    max_bytes: int
    records: list[SampledRecord] = field(default_factory=list)
    n_records: int = 0
    n_bytes: int = 0

    def add(self, record: SampledRecord | None, n_bytes: int) -> None:
        """Add a wanted record of ``n_bytes``; ``None`` adds nothing."""
        if record is None:
            return
        self.records.append(record)
        self.n_bytes += n_bytes + OVERHEAD_BYTES

    @property
    def is_full(self) -> bool:
        """Whether it should be closed."""
        return self.n_records >= self.max_records or self.n_bytes >= self.max_bytes

    def close(self, end: int) -> FetchedPart:
        """Return the part up to ``end`` and start the next."""
        fetched = FetchedPart(end, self.n_records, self.records)
        self.records, self.n_records, self.n_bytes = [], 0, 0
        return fetched
