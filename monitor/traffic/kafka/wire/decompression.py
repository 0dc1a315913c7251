"""Bounded decompression of record batches.

A batch of 9 KB may inflate to 300 MB, which kafka-python's own codecs don't limit.
"""

import importlib
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from monitor.errors import RecordError

#: Above what producers put into one batch; the rest is dropped.
MAX_INFLATED_BYTES = 64 * 2**20
#: Size of a first read, which takes most batches.
MIN_READ_BYTES = 64 * 2**10
EXPECTED_RATIO = 16

#: A byte of an lz4 block makes at most 255 (a length is a sum of such bytes).
MAX_LZ4_RATIO = 255
#: zlib's ``wbits`` for a gzip header and the largest window.
GZIP_WINDOW = 16 + 15
#: Snappy streams of Java's library: a header, then blocks, each after its length.
XERIAL_MAGIC = b"\x82SNAPPY\x00"
XERIAL_HEADER_BYTES = 16
BLOCK_LENGTH = struct.Struct(">i")


@dataclass(frozen=True)
class Codec:
    """A compression codec."""

    name: str
    module: str
    inflate: Callable[[Any, bytes, int], bytes]


def inflate(number: int, data: bytes, limit: int = MAX_INFLATED_BYTES) -> bytes:
    """Return the inflated data, at most ``limit`` bytes.

    ``number`` is the codec's in a batch's attributes.

    Raises:
        RecordError: ``unknown_codec`` or ``corrupt_batch``.
    """
    codec = CODECS.get(number)
    if codec is None:
        raise RecordError("unknown_codec", f"codec {number}")
    try:
        module = _load(codec.module)
    except ImportError:
        raise RecordError(
            "unknown_codec", f"{codec.name}: {codec.module} can't be loaded"
        ) from None
    try:
        return codec.inflate(module, data, limit)
    except RecordError:
        raise
    except Exception as error:
        raise RecordError("corrupt_batch", f"{codec.name}: {error}") from error


def missing_codecs() -> list[str]:
    """Return the names of the codecs whose library isn't installed."""
    missing = []
    for codec in CODECS.values():
        try:
            _load(codec.module)
        except ImportError:
            missing.append(codec.name)
    return missing


@cache
def _load(module: str) -> Any:
    return importlib.import_module(module)


def _inflate_gzip(module: Any, data: bytes, limit: int) -> bytes:
    stream = module.decompressobj(GZIP_WINDOW)
    unread = data

    def read(n_bytes: int) -> bytes:
        nonlocal stream, unread
        if stream.eof and stream.unused_data:  # another member follows
            unread, stream = stream.unused_data, module.decompressobj(GZIP_WINDOW)
        part = bytes(stream.decompress(unread, n_bytes))
        unread = stream.unconsumed_tail
        return part

    return _read_up_to(read, len(data), limit)


def _inflate_zstd(module: Any, data: bytes, limit: int) -> bytes:
    reader = module.ZstdDecompressor().stream_reader(data, read_across_frames=True)
    return _read_up_to(reader.read, len(data), limit)


def _inflate_lz4(module: Any, data: bytes, limit: int) -> bytes:
    if MAX_LZ4_RATIO * len(data) <= limit:
        # One call takes half the time.
        with suppress(RuntimeError):  # truncated: read in parts below
            return bytes(module.decompress(data))
    stream = module.LZ4FrameDecompressor()
    unread = data

    def read(n_bytes: int) -> bytes:
        nonlocal unread
        unread_part, unread = unread, b""
        return b"" if stream.eof else bytes(stream.decompress(unread_part, n_bytes))

    return _read_up_to(read, len(data), limit)


def _inflate_snappy(module: Any, data: bytes, limit: int) -> bytes:
    if not data.startswith(XERIAL_MAGIC):
        _refuse_long_block(data, limit)
        return bytes(module.decompress(data))
    parts, position, room = [], XERIAL_HEADER_BYTES, limit
    while position < len(data) and room > 0:
        (length,) = BLOCK_LENGTH.unpack_from(data, position)
        position += BLOCK_LENGTH.size
        block = data[position : position + length]
        _refuse_long_block(block, limit)
        parts.append(module.decompress(block))
        room -= len(parts[-1])
        position += max(length, 0)
    return b"".join(parts)[:limit]


def _refuse_long_block(block: bytes, limit: int) -> None:
    """Check the length of a Snappy block, which can't be inflated in parts."""
    length = shift = 0
    for byte in block[:5]:
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if length > limit:
        raise RecordError("inflates_too_far", f"a block of snappy holds {length} bytes")


def _read_up_to(read: Callable[[int], bytes], n_compressed: int, limit: int) -> bytes:
    """Read until the end or the limit; one read takes most batches."""
    size = max(MIN_READ_BYTES, EXPECTED_RATIO * n_compressed)
    parts: list[bytes] = []
    while limit > 0 and (part := read(min(limit, size))):
        parts.append(part)
        limit -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


#: By the number in a batch's attributes.
CODECS: Mapping[int, Codec] = {
    1: Codec("gzip", "zlib", _inflate_gzip),
    2: Codec("snappy", "snappy", _inflate_snappy),
    3: Codec("lz4", "lz4.frame", _inflate_lz4),
    4: Codec("zstd", "zstandard", _inflate_zstd),
}
