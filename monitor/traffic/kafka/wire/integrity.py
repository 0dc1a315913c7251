"""Whether a batch is what was written, and where it ends if it isn't.

A broker sends what lies on its disk without a look at it. The checksum covers all but the base
offset and the length: these two must fit what stands around them.
"""

import time
from typing import Any, NamedTuple
from zlib import crc32

from crc32c import crc32c

from monitor.traffic.kafka.wire.batch_header import AFTER_CRC, PREFIX, BatchHeader


class BatchContext(NamedTuple):
    """What a batch must fit."""

    #: The first offset that wasn't read yet: the batch must end behind it.
    begin: int
    #: Only the first batch of what was fetched may begin before that.
    is_first: bool
    #: The next batch, where there is one.
    following: BatchHeader | None
    #: The partition's high water mark: no damaged header is believed beyond it.
    end_of_log: int


def has_valid_checksum(header: BatchHeader, data: bytes) -> bool:
    """Return whether a batch has its checksum, and a version that was ever in use."""
    if header.version < 2:
        return crc32(memoryview(data)[header.begin + PREFIX.size - 1 : header.stop]) == header.crc
    checked = memoryview(data)[header.begin + AFTER_CRC : header.stop]
    return header.version == 2 and header.n_records >= 0 and crc32c(checked) == header.crc


def has_valid_offsets(header: BatchHeader, data: bytes, context: BatchContext) -> bool:
    """Return whether a batch has the offsets that are left for it."""
    if not context.begin < header.end:
        return False
    if header.version < 2:
        return True
    if not context.is_first and header.base_offset < context.begin:
        return False
    following = context.following
    if following is None or not context.begin < following.base_offset < header.end:
        return True
    # Two overlap: the one that doesn't go on where the last one ended is wrong, or isn't whole.
    return header.base_offset == context.begin or not has_valid_checksum(following, data)


class UnconfirmedBatches:
    """Sound batches that end behind the high water mark.

    The broker notes the mark before it reads, so under load what it sends may end behind it; asked
    again, it has a later mark. A base offset that was damaged on its disk never fits.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience = patience_seconds
        self._since: dict[tuple[Any, int], float] = {}

    def is_confirmed(self, partition: Any, offset: int) -> bool:
        """Return whether the batch at an offset has been in doubt for long enough."""
        now = time.monotonic()
        since = self._since.setdefault((partition, offset), now)
        if now - since < self._patience:
            return False
        self._since.clear()
        return True


def end_of_damaged_batch(header: BatchHeader, data: bytes, context: BatchContext) -> int:
    """Return the offset behind what is lost with a damaged batch.

    That is one more than ``begin`` where nothing tells. What is damaged there comes again.
    """
    following = context.following
    if following is not None and following.base_offset > context.begin:
        return following.base_offset
    is_consistent = header.n_records == header.last_offset_delta + 1
    is_known = header.end <= context.end_of_log
    if is_consistent and is_known and has_valid_offsets(header, data, context):
        return header.end
    return context.begin + 1
