"""Headers of record batches and variable-length numbers.

The format is Kafka's own, version 2 (``org.apache.kafka.common.record.DefaultRecordBatch``):
a header of 61 bytes, then the records, compressed together.
"""

import struct
from typing import NamedTuple

#: The fields of BatchHeader; length, producer epoch and sequence are skipped.
HEADER = struct.Struct(">q4xibIhiqqq6xi")
#: Start of all versions: base offset, length, a checksum (in version 2 the epoch), version.
PREFIX = struct.Struct(">qiIb")
#: The length counts from here.
AFTER_LENGTH = 12
#: The CRC covers the bytes from here.
AFTER_CRC = 21

#: Stands in for the checksum, which is never negative.
TORN = -1

CODEC_MASK = 0x07
LOG_APPEND_TIME = 0x08
TRANSACTIONAL = 0x10
CONTROL = 0x20


class BatchHeader(NamedTuple):
    """Header of a record batch."""

    #: Bytes of the fetched data: ``[begin, stop)``.
    begin: int
    stop: int
    base_offset: int
    leader_epoch: int
    version: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    n_records: int

    @property
    def is_torn(self) -> bool:
        """Whether its length is impossible, so that the next batch can't be located."""
        return self.crc == TORN

    @property
    def end(self) -> int:
        """The offset after its last record."""
        return self.base_offset + self.last_offset_delta + 1


def read_header(data: bytes, begin: int) -> BatchHeader | None:
    """Return the header of the batch at ``begin``; ``None`` if the batch is incomplete.

    The broker limits the size of a response, so its last batch may be truncated: it comes again.
    """
    if begin + PREFIX.size > len(data):
        return None
    base_offset, length, crc, version = PREFIX.unpack_from(data, begin)
    stop = begin + AFTER_LENGTH + length
    if stop > len(data):
        return None
    if stop < begin + (HEADER.size if version > 1 else PREFIX.size):
        return BatchHeader(begin, len(data), base_offset, -1, 2, TORN, 0, 0, 0, 0, -1, 0)
    if version < 2:
        # One message, or several compressed into one with the offset of the last.
        return BatchHeader(begin, stop, 0, -1, version, crc, 0, base_offset, 0, 0, -1, 1)
    return BatchHeader(begin, stop, *HEADER.unpack_from(data, begin))


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a signed variable-length number and its end.

    Raises:
        ValueError: It has more than 64 bits.
        IndexError: The data ends inside it.
    """
    byte = data[at]
    value, shift = byte & 0x7F, 7
    while byte > 0x7F:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > 70:
            raise ValueError("a number of more than 64 bits")
    return (value >> 1) ^ -(value & 1), at + 1
