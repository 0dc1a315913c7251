"""Integrity checks of record batches, and the extent of damaged ones.

A broker sends batches from disk without checking them. The checksum covers all but the base offset
and the length, which must fit the neighbouring batches.
"""

import time
from typing import Any, NamedTuple
from zlib import crc32

from crc32c import crc32c

from monitor.traffic.kafka.wire.batch_header import AFTER_CRC, PREFIX, BatchHeader


class BatchContext(NamedTuple):
    """Context that a batch must fit."""

    #: The first unread offset: the batch must end after it.
    begin: int
    #: Only the first fetched batch may start before that offset.
    is_first: bool
    #: The next batch, if any.
    following: BatchHeader | None
    #: The partition's high water mark: a damaged header beyond it is not trusted.
    end_of_log: int


def has_valid_checksum(header: BatchHeader, data: bytes) -> bool:
    """Return whether a batch has a valid checksum and a known version."""
    if header.version < 2:
        return crc32(memoryview(data)[header.begin + PREFIX.size - 1 : header.stop]) == header.crc
    checked = memoryview(data)[header.begin + AFTER_CRC : header.stop]
    return header.version == 2 and header.n_records >= 0 and crc32c(checked) == header.crc


def has_valid_offsets(header: BatchHeader, data: bytes, context: BatchContext) -> bool:
    """Return whether the offsets of a batch fit its context."""
    if not context.begin < header.end:
        return False
    if header.version < 2:
        return True
    if not context.is_first and header.base_offset < context.begin:
        return False
    following = context.following
    if following is None or not context.begin < following.base_offset < header.end:
        return True
    # Two overlap: the one that doesn't continue the last batch, or has no valid checksum, is wrong.
    return header.base_offset == context.begin or not has_valid_checksum(following, data)


class UnconfirmedBatches:
    """Valid batches that end after the high water mark.

    The broker takes the mark before it reads, so under load a batch may end after it; fetched again
    it fits a later mark. A base offset that was damaged on disk never fits.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience = patience_seconds
        self._since: dict[tuple[Any, int], float] = {}

    def is_confirmed(self, partition: Any, offset: int) -> bool:
        """Return whether the batch at an offset has been unconfirmed for the maximum time."""
        now = time.monotonic()
        since = self._since.setdefault((partition, offset), now)
        if now - since < self._patience:
            return False
        self._since.clear()
        return True


def end_of_damaged_batch(header: BatchHeader, data: bytes, context: BatchContext) -> int:
    """Return the offset after a damaged batch.

    By default it is one more than ``begin``; damage after it is met again.
    """
    following = context.following
    if following is not None and following.base_offset > context.begin:
        return following.base_offset
    is_consistent = header.n_records == header.last_offset_delta + 1
    is_known = header.end <= context.end_of_log
    if is_consistent and is_known and has_valid_offsets(header, data, context):
        return header.end
    return context.begin + 1
