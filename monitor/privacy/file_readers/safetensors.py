"""Weights in safetensors: the header, with the metadata and the names of tensors."""

from typing import BinaryIO

from monitor.privacy.file_readers.parts import Budget, Parts, Text, UnreadError

#: The format allows no longer header.
MAX_HEADER = 100_000_000


def matches(head: bytes, size: int) -> bool:
    """Return whether bytes begin as the format does, in a file of some size."""
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and 2 <= length <= min(MAX_HEADER, size - 8)


def read(content: BinaryIO, _budget: Budget) -> Parts:
    """Yield the header. Tensors hold numbers, no text."""
    length = int.from_bytes(content.read(8), "little")
    if length > MAX_HEADER:
        raise UnreadError(f"damaged: a header of {length:,} bytes")
    header = content.read(length)
    if len(header) < length:
        raise UnreadError("damaged: it ends in its header")
    yield Text(header.decode("utf-8", "replace"))
