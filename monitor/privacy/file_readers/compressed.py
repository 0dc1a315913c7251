"""Compressed files: gzip, zstd, bzip2 and xz."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, cast

from monitor.input_files.compression import ZstdReader
from monitor.privacy.file_readers.parts import STEP, Budget, Member, Metered, Parts, UnreadError

#: Memory for a window of xz.
XZ_MEMORY = 256 << 20


class _Xz:
    """The content of one stream of xz, in bounded memory."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self._decoder = lzma.LZMADecompressor(memlimit=XZ_MEMORY)

    def read(self, n: int) -> bytes:
        """Return up to ``n`` bytes."""
        while not self._decoder.eof:
            data = self._content.read(65_536) if self._decoder.needs_input else b""
            if self._decoder.needs_input and not data:
                raise UnreadError("damaged: it ends too early")
            if out := self._decoder.decompress(data, max_length=n):
                return out
        if (self._decoder.unused_data + self._content.read(STEP)).strip(b"\0"):
            raise UnreadError("more than one stream of xz")
        return b""


def _unpack(unpack: Callable[[BinaryIO], BinaryIO], content: BinaryIO, budget: Budget) -> Parts:
    yield Member("", cast("BinaryIO", Metered(unpack(content), budget)))


read_gzip = partial(_unpack, lambda content: cast("BinaryIO", gzip.GzipFile(fileobj=content)))
read_bzip2 = partial(_unpack, lambda content: cast("BinaryIO", bz2.BZ2File(content)))
read_zstd = partial(
    _unpack, lambda content: cast("BinaryIO", io.BufferedReader(ZstdReader(content)))
)
read_xz = partial(_unpack, lambda content: cast("BinaryIO", _Xz(content)))
