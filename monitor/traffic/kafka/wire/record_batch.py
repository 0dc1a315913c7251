"""Records of a batch; only sampled ones are decoded.

This is the innermost loop of ingest: a record that isn't sampled costs a hash of its key. Its value
is skipped, not copied.
"""

from monitor.errors import RecordError
from monitor.traffic.kafka.wire.batch_header import (
    CODEC_MASK,
    HEADER,
    LOG_APPEND_TIME,
    BatchHeader,
    read_varint,
)
from monitor.traffic.kafka.wire.decompression import MAX_INFLATED_BYTES, inflate
from monitor.traffic.kafka.wire.selection import FetchBuilder, Headers, SampledRecord, Selection


def open_records(
    header: BatchHeader, data: bytes, *, partition: int, begin: int, selection: Selection
) -> "Records":
    """Return a batch's records, decompressed up to a limit.

    Records before offset ``begin`` are skipped.
    """
    position, stop = header.begin + HEADER.size, header.stop
    codec = header.attributes & CODEC_MASK
    error = None
    if codec:
        try:
            data = inflate(codec, data[position:stop])
        except RecordError as failure:
            data, error = b"", failure
        position, stop = 0, len(data)
    records = Records(
        header, data, position, stop, partition=partition, begin=begin, selection=selection
    )
    records.error = error
    return records


class Records:
    """Records of one batch, read in steps.

    All before ``next_offset`` was read; ``error`` is why the rest is unreadable, if so.
    """

    __slots__ = (
        "_begin", "_data", "_header", "_left", "_partition", "_position", "_selection",
        "_stop", "error", "next_offset",
    )  # fmt: skip

    def __init__(
        self,
        header: BatchHeader,
        data: bytes,
        position: int,
        stop: int,
        *,
        partition: int,
        begin: int,
        selection: Selection,
    ) -> None:
        """Start with the first record.

        ``data`` holds the records, decompressed, at ``[position, stop)``; those before offset
        ``begin`` are skipped.
        """
        self._header = header
        self._data = data
        self._position = position
        self._stop = stop
        self._partition = partition
        self._begin = begin
        self._selection = selection
        self._left = header.n_records
        self.next_offset = max(begin, header.base_offset)
        self.error: RecordError | None = None

    @property
    def done(self) -> bool:
        """Whether no readable record is left."""
        return self._left <= 0 or self.error is not None

    def read(self, builder: FetchBuilder) -> None:
        """Read until the end, or until ``builder`` is full."""
        try:
            self._read(builder)
        except (IndexError, ValueError) as error:
            is_compressed = self._header.attributes & CODEC_MASK
            if is_compressed and len(self._data) >= MAX_INFLATED_BYTES:
                detail = f"the batch holds more than {len(self._data)} bytes when decompressed"
                self.error = RecordError("inflates_too_far", detail)
            else:
                self.error = RecordError("corrupt_batch", f"a record is malformed: {error}")

    def _read(self, builder: FetchBuilder) -> None:
        data, position, stop, left = self._data, self._position, self._stop, self._left
        base_offset, begin, next_offset = self._header.base_offset, self._begin, self.next_offset
        wants, partition = self._selection.wants, self._partition
        max_bytes = builder.max_bytes
        n_records = 0
        left_at_end = max(0, left - (builder.max_records - builder.n_records))
        try:
            while left > left_at_end and builder.n_bytes < max_bytes:
                length, at = read_varint(data, position)
                end = at + length
                if end > stop or length < 0:
                    raise ValueError(f"a length of {length}, {stop - at} bytes before the end")
                time_at = at = at + 1  # after an unused byte of attributes
                while data[at] > 0x7F:
                    at += 1
                delta, key_length, at = data[at + 1], data[at + 2], at + 3
                if (delta | key_length) & 0x81:  # rarely more than one byte
                    delta, at = read_varint(data, at - 2)
                    key_length, at = read_varint(data, at)
                else:
                    delta, key_length = delta >> 1, key_length >> 1
                key = data[at : at + key_length] if key_length > 0 else None
                at += max(key_length, 0)
                if at >= end:
                    raise ValueError("a key without an end")
                offset = base_offset + delta
                if offset >= begin:
                    if offset < next_offset:
                        raise ValueError(f"offset {offset} behind {next_offset - 1}")
                    value_length, headers_at = read_varint(data, at)
                    headers_at += max(value_length, 0)
                    if headers_at >= end:
                        raise ValueError("a value without an end")
                    # Most records have no headers; headers may tell how they were sampled before.
                    headers = self._headers(headers_at, end) if data[headers_at] else ()
                    if wants(key, headers, partition, offset):
                        builder.add(self._keep(offset, key, time_at, at, end), end - at)
                    next_offset = offset + 1
                    n_records += 1
                position, left = end, left - 1
        finally:
            self._position, self._left, self.next_offset = position, left, next_offset
            builder.n_records += n_records

    def _keep(
        self, offset: int, key: bytes | None, time_at: int, at: int, end: int
    ) -> SampledRecord | None:
        value, at = self._value(at, end)
        if self._header.attributes & LOG_APPEND_TIME:
            timestamp_ms = self._header.max_timestamp
        else:
            timestamp_ms = self._header.first_timestamp + read_varint(self._data, time_at)[0]
        return self._selection.keep(
            self._partition,
            offset,
            key=key,
            value=value,
            headers=self._headers(at, end),
            timestamp_ms=timestamp_ms,
        )

    def _value(self, at: int, end: int) -> tuple[memoryview | None, int]:
        """Return the value, ``None`` for a tombstone, and the start of the headers."""
        length, at = read_varint(self._data, at)
        if length < 0:
            return None, at
        if at + length >= end:
            raise ValueError("a value without an end")
        return memoryview(self._data)[at : at + length], at + length

    def _headers(self, at: int, end: int) -> Headers:
        n_headers, at = read_varint(self._data, at)
        headers = []
        for _ in range(n_headers):
            name, at = self._bytes(at, end)
            value, at = self._bytes(at, end)
            headers.append(((name or b"").decode("utf-8", "replace"), value))
        if at != end:
            raise ValueError("it doesn't end behind its headers")
        return tuple(headers)

    def _bytes(self, at: int, end: int) -> tuple[bytes | None, int]:
        length, at = read_varint(self._data, at)
        if length < 0:
            return None, at
        if at + length > end:
            raise ValueError("a header without an end")
        return self._data[at : at + length], at + length
