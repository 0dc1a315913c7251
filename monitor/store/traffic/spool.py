"""Spool files: the vectors and texts of a large window, on disk instead of in memory.

A file has no name from the start, so that it ends with the process. It is mapped into memory, and a
thread lets go of the pages that were read: what is read again comes from the system's cache. Files
lie in the folder for temporary files (``TMPDIR``).
"""

import mmap
import tempfile
import threading
import weakref
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Exchanges of larger windows are packed, and their vectors and texts spooled to disk.
MAX_UNPACKED_ROWS = 50_000
#: Seconds between two times that the pages are released.
RELEASE_SECONDS = 0.1
#: Rows copied at once.
CHUNK_ROWS = 8_192


class Spool:
    """Bytes that are appended, and then read."""

    def __init__(self) -> None:
        """Open a file without a name."""
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this
        self._mapped: mmap.mmap | None = None
        self.size = 0
        weakref.finalize(self, self._file.close)

    def append(self, data: bytes) -> None:
        """Append bytes."""
        self._file.write(data)
        self.size += len(data)

    def read(self, start: int, end: int) -> bytes:
        """Return bytes; nothing can be appended from then on."""
        if start == end:
            return b""
        if self._mapped is None:
            self._file.flush()
            self._mapped = mmap.mmap(self._file.fileno(), self.size, prot=mmap.PROT_READ)
            self._file.close()
            _releaser.release_regularly(self._mapped)
        return self._mapped[start:end]


def spooled_array(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array in a spool file, of zeros, to be filled."""
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if not n_bytes:
        return np.empty(shape, dtype=dtype)
    with tempfile.TemporaryFile() as file:
        file.truncate(n_bytes)
        mapped = mmap.mmap(file.fileno(), n_bytes)
    _releaser.release_regularly(mapped)
    return np.frombuffer(mapped, dtype=dtype).reshape(shape)


def is_spooled(values: object) -> bool:
    """Return whether an array lies in a spool file."""
    while isinstance(values, np.ndarray):
        values = values.base
    return isinstance(values, memoryview | mmap.mmap) and (
        isinstance(values, mmap.mmap) or isinstance(values.obj, mmap.mmap)
    )


def take_rows(values: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return rows of an array; those of a spooled one are spooled."""
    if not is_spooled(values):
        taken: NDArray[Any] = values[rows]
        return taken
    spooled = spooled_array((len(rows), *values.shape[1:]), values.dtype)
    for start in range(0, len(rows), CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        spooled[part] = values[rows[part]]
    return spooled


class _Releaser:
    """A thread that releases the pages of mapped files, for as long as there are any."""

    def __init__(self) -> None:
        self._mapped: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def release_regularly(self, mapped: mmap.mmap) -> None:
        """Release the pages of a file until nothing refers to it."""
        with self._lock:
            self._mapped.add(mapped)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="spools", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(RELEASE_SECONDS)
            with self._lock:
                mapped = list(self._mapped)
                if not mapped:
                    self._thread = None
                    return
            for one_file in mapped:
                # Shared pages: what was written lies in the file.
                one_file.madvise(mmap.MADV_DONTNEED)
            del mapped, one_file


_releaser = _Releaser()
