"""Reader of fetched partitions, replacing kafka-python's own.

kafka-python unpacks every record, inflates batches without a limit, and loops for ever on one that
it can't read. This reader samples while it unpacks, bounds its memory, and continues after what it
can't read. docs/adr/0002 explains the dependence on kafka-python's internals.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch

from monitor.errors import RecordError
from monitor.traffic.kafka.client_version import require_supported
from monitor.traffic.kafka.wire.batch_header import (
    CONTROL,
    TRANSACTIONAL,
    BatchHeader,
    read_header,
)
from monitor.traffic.kafka.wire.integrity import (
    BatchContext,
    UnconfirmedBatches,
    end_of_damaged_batch,
    has_valid_checksum,
    has_valid_offsets,
)
from monitor.traffic.kafka.wire.legacy_messages import LegacyMessages
from monitor.traffic.kafka.wire.record_batch import Records, open_records
from monitor.traffic.kafka.wire.selection import FetchBuilder, FetchedPart, Selection

Batch = Records | LegacyMessages

#: Bytes of sampled records per partition and poll, the last record not counted.
MAX_KEPT_BYTES = 4_000_000
#: How long a valid batch that ends after the partition's end is fetched again.
PATIENCE_SECONDS = 10.0


def use_sampling_reader(consumer: Any, selection: Selection, *, max_records: int) -> None:
    """Make a consumer's ``poll`` return :class:`FetchedPart` instead of records.

    The consumer hasn't fetched yet. A ``FetchedPart`` has at most ``max_records``, sampled or not.

    Raises:
        ConfigurationError: The version of kafka-python is not supported.
    """
    fetcher: Any = getattr(consumer, "_fetcher", None)
    require_supported(
        is_known=getattr(fetcher, "PartitionRecords", None) is Fetcher.PartitionRecords
    )
    unconfirmed = UnconfirmedBatches(PATIENCE_SECONDS)
    fetcher.PartitionRecords = partial(
        PartitionReader, selection, max_records, consumer.highwater, unconfirmed
    )


class PartitionReader(Fetcher.PartitionRecords):  # type: ignore[misc]  # kafka publishes no types
    """Reader that yields parts of a partition where kafka-python yields records."""

    #: The next offset; all before it was returned.
    next_fetch_offset: int

    def __init__(
        self,
        selection: Selection,
        max_records: int,
        high_water_mark: Callable[[Any], int | None],
        unconfirmed: UnconfirmedBatches,
        *arguments: Any,
        **options: Any,
    ) -> None:
        self._selection = selection
        self._max_records = max_records
        self._high_water_mark = high_water_mark
        self._unconfirmed = unconfirmed
        super().__init__(*arguments, **options)

    def _maybe_skip_record(self, _part: FetchedPart) -> bool:
        return False  # records before the wanted offset were skipped already

    def _unpack_records(
        self, partition: Any, records: Any, *_decoders: Any
    ) -> Iterator[FetchedPart]:
        """Yield the parts; ``next_fetch_offset`` is the end of the last one."""
        data: bytes = records._buffer  # noqa: SLF001 - no public access to the bytes
        end_of_log = self._high_water_mark(partition) or sys.maxsize
        builder = FetchBuilder(self._max_records, MAX_KEPT_BYTES)
        returned = self.next_fetch_offset
        header = read_header(data, 0)
        while header is not None and not header.is_torn:
            following = read_header(data, header.stop)
            context = BatchContext(self.next_fetch_offset, header.begin == 0, following, end_of_log)
            end = header.end
            if end > end_of_log and has_valid_checksum(header, data):
                if not self._unconfirmed.is_confirmed(partition, context.begin):
                    header = None  # fetched again
                    break
                end = context.begin
            if (
                end > context.begin
                and has_valid_checksum(header, data)
                and has_valid_offsets(header, data, context)
            ):
                batch = self._open(data, header, partition.partition)
                while batch is not None and not batch.done:
                    batch.read(builder)
                    if builder.is_full and not batch.done:
                        returned = self.next_fetch_offset = batch.next_offset
                        yield builder.close(returned)
                if batch is not None and batch.error:
                    self._give_up(builder, partition.partition, batch.next_offset, end, batch.error)
            else:
                # The apparent next batch may be damaged too, or no batch at all: the broker knows
                # where the next one starts.
                if following is not None and not has_valid_checksum(following, data):
                    following = None
                context = context._replace(following=following)
                end = end_of_damaged_batch(header, data, context)
                error = RecordError(
                    "corrupt_batch", "the checksum or the offsets of the batch are wrong"
                )
                self._give_up(builder, partition.partition, context.begin, end, error)
            self.leader_epoch = header.leader_epoch
            self.bytes_read += header.stop - header.begin
            self.next_fetch_offset = max(self.next_fetch_offset, end)
            if builder.is_full:
                returned = self.next_fetch_offset
                yield builder.close(returned)
            header = following
        if header is not None and header.begin == 0:
            # Before raising: kafka-python would call a reader that raised for ever.
            self.drain()
            raise CorruptRecordError(
                f"{partition.topic}/{partition.partition}: the broker's log is damaged at offset "
                f"{self.next_fetch_offset} and the next batch can't be located"
            )
        if returned < self.next_fetch_offset:
            yield builder.close(self.next_fetch_offset)
        self.drain()

    def _give_up(
        self, builder: FetchBuilder, partition: int, begin: int, end: int, error: RecordError
    ) -> None:
        if begin < end:
            builder.add(self._selection.unreadable(partition, begin, end, error), 0)
            builder.n_records += end - begin

    def _open(self, data: bytes, header: BatchHeader, partition: int) -> Batch | None:
        """Return a batch's records; ``None`` if none is committed."""
        begin, selection = self.next_fetch_offset, self._selection.at_present()
        if header.version < 2:
            return LegacyMessages(
                header, data, partition=partition, begin=begin, selection=selection
            )
        if self._is_void(data, header):
            return None
        return open_records(header, data, partition=partition, begin=begin, selection=selection)

    def _is_void(self, data: bytes, header: BatchHeader) -> bool:
        """Return whether a batch is a transaction marker or belongs to an aborted transaction."""
        if header.producer_id >= 0:
            self._consume_aborted_transactions_up_to(header.end - 1)
        if header.attributes & CONTROL:
            marker = next(DefaultRecordBatch(data[header.begin : header.stop]))
            if marker.abort:
                self.aborted_producer_ids.discard(header.producer_id)
            return True
        is_transactional = bool(header.attributes & TRANSACTIONAL)
        return is_transactional and header.producer_id in self.aborted_producer_ids
