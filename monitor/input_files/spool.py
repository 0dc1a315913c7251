"""Temporary copy of what can be read only once: standard input, pipes."""

import io
import os
import shutil
import tempfile
import weakref
from typing import BinaryIO

from monitor.errors import InputError
from monitor.input_files.detection import read_head, refuse_other


class Spool:
    """A temporary copy of a stream, which has no name and ends with the process."""

    def __init__(self, stream: BinaryIO, label: str) -> None:
        """Copy a stream.

        Raises:
            InputError: The stream is a binary file of another kind, or there is no room for it.
        """
        head = read_head(stream)
        refuse_other(head, label)  # before it is copied, which may take long
        file = tempfile.TemporaryFile(prefix="driftwarden-")  # noqa: SIM115 - kept open
        weakref.finalize(self, file.close)
        self.descriptor = file.fileno()
        try:
            file.write(head)
            shutil.copyfileobj(stream, file, 2**20)
            file.flush()
        except OSError as error:
            raise InputError(
                f"{label}: can't be copied to {tempfile.gettempdir()}: {error.strerror}; set "
                "TMPDIR to a folder with room, or give a file",
                code="no_room",
            ) from None

    def open(self) -> BinaryIO:
        """Return the content from its start."""
        return io.BufferedReader(_SpoolReader(self))


class _SpoolReader(io.RawIOBase):
    """A reader with a position of its own."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool  # which closes the file when it is collected
        self._position = 0

    def readable(self) -> bool:
        """Return ``True``."""
        return True

    def seekable(self) -> bool:
        """Return ``True``."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position."""
        end = os.fstat(self._spool.descriptor).st_size
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: end}[whence]
        self._position = base + offset
        return self._position

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        """Fill ``target`` from the position on; return the number of bytes."""
        content = os.pread(self._spool.descriptor, len(target), self._position)
        target[: len(content)] = content
        self._position += len(content)
        return len(content)
