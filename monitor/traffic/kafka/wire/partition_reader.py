"""Reads what was fetched of a partition, in place of kafka-python's own reader.

kafka-python unpacks every record, inflates a batch without a limit, and spins for ever after one
that it can't read. This reader samples while it unpacks, bounds what it holds, and goes on behind
what it can't read. docs/adr/0012 says why that is worth the dependence on kafka-python's inside.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch

from monitor.errors import ConfigurationError, RecordError
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

#: Size of what one poll keeps of a partition, the last record not counted.
MAX_KEPT_BYTES = 4_000_000
#: How long a sound batch is asked for again that ends behind the partition's end.
PATIENCE_SECONDS = 10.0


def use_sampling_reader(consumer: Any, selection: Selection, *, max_records: int) -> None:
    """Make a consumer's ``poll`` return :class:`FetchedPart` instead of records.

    Args:
        consumer: A consumer that hasn't fetched yet.
        selection: What is kept.
        max_records: How many records, kept or not, one ``FetchedPart`` should hold at most.

    Raises:
        ConfigurationError: This isn't the kafka-python that the reader was written for.
    """
    fetcher: Any = getattr(consumer, "_fetcher", None)
    if getattr(fetcher, "PartitionRecords", None) is not Fetcher.PartitionRecords:
        raise ConfigurationError("this kafka-python can't be used: install kafka-python<3.1")
    unconfirmed = UnconfirmedBatches(PATIENCE_SECONDS)
    fetcher.PartitionRecords = partial(
        PartitionReader, selection, max_records, consumer.highwater, unconfirmed
    )


class PartitionReader(Fetcher.PartitionRecords):  # type: ignore[misc]  # kafka publishes no types
    """Yields parts of a partition where kafka-python yields records."""

    #: The next offset: all before it was returned.
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
        return False  # records before the wanted offset were stepped over already

    def _unpack_records(
        self, partition: Any, records: Any, *_decoders: Any
    ) -> Iterator[FetchedPart]:
        """Yield the parts; ``next_fetch_offset`` is always where the last one ended."""
        data: bytes = records._buffer  # noqa: SLF001 - there is no other way to the bytes
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
                    header = None  # it is fetched again
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
                # What seems to follow may be damaged too, or the middle of something: the broker
                # knows better where the next batch begins.
                if following is not None and not has_valid_checksum(following, data):
                    following = None
                context = context._replace(following=following)
                end = end_of_damaged_batch(header, data, context)
                error = RecordError("corrupt_batch", "the batch is not what was written")
                self._give_up(builder, partition.partition, context.begin, end, error)
            self.leader_epoch = header.leader_epoch
            self.bytes_read += header.stop - header.begin
            self.next_fetch_offset = max(self.next_fetch_offset, end)
            if builder.is_full:
                returned = self.next_fetch_offset
                yield builder.close(returned)
            header = following
        if header is not None and header.begin == 0:
            # Before it raises: kafka-python would ask a reader that has raised for ever.
            self.drain()
            raise CorruptRecordError(
                f"{partition.topic}/{partition.partition}: at offset {self.next_fetch_offset} the "
                "broker's log is damaged so that nobody can tell where it goes on"
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
        """Return a batch's records; ``None`` where it holds none that was committed."""
        begin, selection = self.next_fetch_offset, self._selection
        if header.version < 2:
            return LegacyMessages(
                header, data, partition=partition, begin=begin, selection=selection
            )
        if self._is_void(data, header):
            return None
        return open_records(header, data, partition=partition, begin=begin, selection=selection)

    def _is_void(self, data: bytes, header: BatchHeader) -> bool:
        """Return whether a batch only ends a transaction, or belongs to one that was aborted."""
        if header.producer_id >= 0:
            self._consume_aborted_transactions_up_to(header.end - 1)
        if header.attributes & CONTROL:
            marker = next(DefaultRecordBatch(data[header.begin : header.stop]))
            if marker.abort:
                self.aborted_producer_ids.discard(header.producer_id)
            return True
        is_transactional = bool(header.attributes & TRANSACTIONAL)
        return is_transactional and header.producer_id in self.aborted_producer_ids
