"""The header of a record batch, and the numbers of variable length inside.

The format is Kafka's own, version 2 (``org.apache.kafka.common.record.DefaultRecordBatch``):
a header of 61 bytes, then the records, compressed together.
"""

import struct
from typing import NamedTuple

#: The fields of BatchHeader; left out are the length and the producer's epoch and sequence.
HEADER = struct.Struct(">q4xibIhiqqq6xi")
#: What all versions begin with: base offset, length, a checksum (in version 2 the epoch), version.
PREFIX = struct.Struct(">qiIb")
#: The length counts from here.
AFTER_LENGTH = 12
#: What the CRC covers begins here.
AFTER_CRC = 21

#: In the place of a checksum, which is never negative.
TORN = -1

CODEC_MASK = 0x07
LOG_APPEND_TIME = 0x08
TRANSACTIONAL = 0x10
CONTROL = 0x20


class BatchHeader(NamedTuple):
    """What a batch says of itself."""

    #: Where it stands in what was fetched: ``[begin, stop)``, in bytes.
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
        """Return whether its length can't be: nobody knows where the next one begins."""
        return self.crc == TORN

    @property
    def end(self) -> int:
        """Return the offset behind its last record."""
        return self.base_offset + self.last_offset_delta + 1


def read_header(data: bytes, begin: int) -> BatchHeader | None:
    """Return the header of the batch that begins here; ``None`` where it isn't there whole.

    The broker fills a response up to a size, so the last batch may be cut: it comes again.
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
        # One message, or several compressed into one that has the offset of the last.
        return BatchHeader(begin, stop, 0, -1, version, crc, 0, base_offset, 0, 0, -1, 1)
    return BatchHeader(begin, stop, *HEADER.unpack_from(data, begin))


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a signed number of variable length; return it and where it ends.

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
