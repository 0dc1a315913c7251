"""Decompression of gzip and zstd, which refuses an incomplete file."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from monitor.errors import InputError

GZIP_MARK = b"\x1f\x8b"
#: A frame, or a frame to skip, with which parallel compressors begin.
ZSTD_MARKS = (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16)))
#: Compressed bytes decompressed at once: a run of zeros becomes at most 32 MiB.
ZSTD_STEP = 1024


class ZstdReader(io.RawIOBase):
    """The decompressed content of zstd frames, one after another.

    Raises:
        EOFError: The last frame is incomplete.
    """

    def __init__(self, compressed: BinaryIO) -> None:
        import zstandard  # noqa: PLC0415 - only where a file needs it

        self._compressed = compressed
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame = self._decompressor.decompressobj()
        self._is_inside = False
        self._input = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        """Return ``True``."""
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        """Fill ``target`` with decompressed bytes; return how many, 0 at the end."""
        while not self._output:
            if not self._input:
                self._input = self._compressed.read(ZSTD_STEP)
            if not self._input:
                if self._is_inside:
                    raise EOFError("the last frame is incomplete")
                return 0
            self._output = memoryview(self._frame.decompress(self._input))
            self._is_inside = not self._frame.eof
            self._input = self._frame.unused_data
            if self._frame.eof:
                self._frame = self._decompressor.decompressobj()
        n = min(len(target), len(self._output))
        target[:n] = self._output[:n]
        self._output = self._output[n:]
        return n


def is_compressed(head: bytes) -> bool:
    """Return whether content begins as gzip or zstd."""
    return head.startswith((GZIP_MARK, *ZSTD_MARKS))


def decompressed(file: BinaryIO) -> BinaryIO:
    """Return the content of a file from its start, decompressed where it is gzip or zstd."""
    head = file.read(4)
    file.seek(0)
    if head.startswith(GZIP_MARK):
        return io.BufferedReader(gzip.GzipFile(fileobj=file))
    if head.startswith(ZSTD_MARKS):
        return io.BufferedReader(ZstdReader(file))
    return file


@contextmanager
def readable(label: str) -> Iterator[None]:
    """Turn errors of reading and decompressing a file into an error for the user.

    Raises:
        InputError: The file can't be read, or its compressed content is incomplete or damaged.
    """
    try:
        yield
    except EOFError:
        raise InputError(
            f"{label}: the compressed file is incomplete: it ends too early; copy or download it "
            "again",
            code="truncated",
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(label, error) from None
    except OSError as error:
        raise InputError(f"{label}: {error.strerror or error}", code="not_readable") from None
    except Exception as error:
        if type(error).__name__ != "ZstdError":
            raise
        if "memory" in str(error):
            raise InputError(
                f"{label}: compressed with a window of more than 128 MiB; decompress it first "
                "(`zstd -d --long=31`)",
                code="large_window",
            ) from None
        raise _damaged(label, error) from None


def _damaged(label: str, error: Exception) -> InputError:
    return InputError(
        f"{label}: the compressed file is damaged: {error}; copy or download it again",
        code="damaged",
    )
