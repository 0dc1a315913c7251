"""Messages in the formats before Kafka 0.11, which old segments may hold.

No current producer writes them, so kafka-python's unbounded reader is sufficient.
"""

import struct
from typing import Any

from kafka.errors import KafkaError
from kafka.record.legacy_records import LegacyRecordBatch

from monitor.errors import RecordError
from monitor.traffic.kafka.wire.batch_header import BatchHeader
from monitor.traffic.kafka.wire.selection import FetchBuilder, Selection


class LegacyMessages:
    """One message, or those compressed into it; read like a record batch."""

    def __init__(
        self,
        header: BatchHeader,
        data: bytes,
        *,
        partition: int,
        begin: int,
        selection: Selection,
    ) -> None:
        self._batch = LegacyRecordBatch(
            memoryview(data)[header.begin : header.stop], header.version
        )
        self._partition = partition
        self._selection = selection
        self.next_offset = begin
        self.error: RecordError | None = None
        self.done = False

    def read(self, builder: FetchBuilder) -> None:
        """Read all messages."""
        self.done = True
        try:
            for message in self._batch:
                if message.offset >= self.next_offset:
                    self._take(message, builder)
        except (KafkaError, ValueError, IndexError, struct.error, AssertionError, OSError) as error:
            self.error = RecordError("corrupt_batch", f"a message is malformed: {error}")

    def _take(self, message: Any, builder: FetchBuilder) -> None:
        key, value = message.key, message.value
        if self._selection.wants(key, (), self._partition, message.offset):
            record = self._selection.keep(
                self._partition,
                message.offset,
                key=key,
                value=None if value is None else memoryview(value),
                headers=(),
                timestamp_ms=message.timestamp or 0,
            )
            builder.add(record, len(value or b""))
        builder.n_records += 1
        self.next_offset = message.offset + 1
