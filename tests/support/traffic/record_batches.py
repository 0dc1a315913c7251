"""Record batches in the broker's form, and a loop that reads them like the consumer."""

import functools
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from crc32c import crc32c
from kafka import TopicPartition
from kafka.protocol.consumer import IsolationLevel
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder

from monitor.traffic.kafka.wire.batch_header import AFTER_CRC
from monitor.traffic.kafka.wire.integrity import UnconfirmedBatches
from monitor.traffic.kafka.wire.partition_reader import PartitionReader
from monitor.traffic.kafka.wire.selection import FetchedPart, SampledRecord, Selection
from monitor.traffic.sampling.sampler import Sampler

PARTITION = TopicPartition("topic", 3)
NOW = datetime(2026, 11, 2, tzinfo=UTC)
FIRST_TIMESTAMP = 1_790_000_000_000

HEADER = struct.Struct(">qiibIhiqqqhii")
FIELDS = (
    *("base_offset", "length", "epoch", "version", "crc", "attributes", "last_offset_delta"),
    *("first_time", "max_time", "producer_id", "producer_epoch", "sequence", "n_records"),
)
Item = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]


def make_batch(
    base_offset: int, items: Sequence[Item], *, codec: int = 0, producer_id: int = -1
) -> bytes:
    """Return a batch of (key, value, headers); a producer id makes it transactional."""
    builder = DefaultRecordBatchBuilder(
        2, codec, producer_id >= 0, producer_id, 0 if producer_id >= 0 else -1, -1, 1 << 30
    )
    for delta, (key, value, headers) in enumerate(items):
        builder.append(delta, FIRST_TIMESTAMP + delta, key, value, headers)
    return moved(bytes(builder.build()), base_offset)


def moved(batch: bytes, base_offset: int) -> bytes:
    """Return the batch at another offset, which the checksum doesn't cover."""
    return base_offset.to_bytes(8, "big") + batch[8:]


def with_fields(batch: bytes, **changes: int) -> bytes:
    """Return the batch with other header fields and a valid checksum."""
    fields = dict(zip(FIELDS, HEADER.unpack_from(batch), strict=True)) | changes
    body = HEADER.pack(*fields.values()) + batch[HEADER.size :]
    fields["crc"] = crc32c(body[AFTER_CRC:])
    return HEADER.pack(*fields.values()) + batch[HEADER.size :]


def with_payload(batch: bytes, payload: bytes) -> bytes:
    """Return the batch with another payload and a valid length and checksum."""
    return with_fields(batch[: HEADER.size] + payload, length=HEADER.size - 12 + len(payload))


def selection(rate: float = 1.0, **options: Any) -> Selection:
    """Return the selection rule of the tests."""
    return Selection(
        topic="topic",
        sampler=Sampler(rate),
        clock=lambda: NOW,
        **{"id_header": "", "max_record_bytes": 1_000_000} | options,
    )


def open_reader(
    data: bytes,
    begin: int = 0,
    *,
    selecting: Selection | None = None,
    max_records: int = 1_000_000,
    end_of_log: int | None = None,
    aborted: Sequence[Any] = (),
    patience_seconds: float = 0.0,
) -> PartitionReader:
    """Return a reader of data fetched at an offset."""
    make = functools.partial(
        PartitionReader,
        selecting or selection(),
        max_records,
        lambda _: end_of_log,
        UnconfirmedBatches(patience_seconds),
    )
    reader: PartitionReader = make(
        begin,
        PARTITION,
        MemoryRecords(data),
        isolation_level=IsolationLevel.READ_COMMITTED,
        aborted_transactions=aborted,
    )
    return reader


def read_all(data: bytes, begin: int = 0, **options: Any) -> list[FetchedPart]:
    """Return the parts of one fetch."""
    reader = open_reader(data, begin, **options)
    parts: list[FetchedPart] = []
    while reader:
        parts += reader.take(1)
    assert (parts[-1].end if parts else begin) == reader.next_fetch_offset
    return parts


def sampled_records(parts: Sequence[FetchedPart]) -> list[SampledRecord]:
    """Return the sampled records of all parts."""
    return [record for part in parts for record in part.records]


class Log:
    """A partition of a broker with an index, so that damaged batches can be located."""

    def __init__(self, batches: Sequence[bytes], bounds: Sequence[tuple[int, int]]) -> None:
        self.batches = list(batches)
        #: The true ``[first, end)`` of each batch.
        self.bounds = bounds

    @property
    def end(self) -> int:
        """Return the high water mark."""
        return self.bounds[-1][1]

    def fetch(self, offset: int) -> bytes:
        """Return the batch with an offset and all later batches."""
        index = next(i for i, (_, end) in enumerate(self.bounds) if offset < end)
        return b"".join(self.batches[index:])

    def consume(self, **options: Any) -> list[FetchedPart]:
        """Read to the end, fetching again where a reader stops."""
        parts: list[FetchedPart] = []
        offset = 0
        while offset < self.end:
            got = read_all(self.fetch(offset), offset, end_of_log=self.end, **options)
            assert got, f"no progress at offset {offset}"
            assert offset < got[-1].end <= self.end
            parts += got
            offset = got[-1].end
        return parts
