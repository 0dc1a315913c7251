"""Reading of a file of any kind, with what is packed in it."""

import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from monitor.input_files.detection import read_head
from monitor.privacy.file_readers.kinds import FileKind, Head, kind_of
from monitor.privacy.file_readers.parts import (
    Budget,
    Limits,
    Member,
    Text,
    Unread,
    UnreadError,
)

#: Bytes of a member that are kept in memory while it is read to and fro.
IN_MEMORY = 16 << 20


class _After:
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, content: BinaryIO) -> None:
        self._head, self._content = head, content

    def read(self, n: int = -1) -> bytes:
        """Return up to ``n`` bytes."""
        if self._head:
            n = len(self._head) if n < 0 else n
            part, self._head = self._head[:n], self._head[n:]
            return part
        return self._content.read(n)


def read_file(path: Path, limits: Limits) -> Iterator[Text | Unread]:
    """Yield the texts of a file, streamed, and what in it can't be read, with the reason.

    A link isn't followed, and what is no file, such as a pipe, isn't opened.
    """
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            yield Unread("a link" if stat.S_ISLNK(status.st_mode) else "not a regular file")
            return
        with open(str(path), "rb") as file:  # noqa: PTH123 - SQLite needs the name as text
            yield from _read(cast("BinaryIO", file), path.name, status.st_size, Budget(limits), 0)
    except OSError as error:
        yield Unread(error.strerror or str(error))


def kind_of_file(path: Path) -> FileKind:
    """Return the kind of a file that can be read."""
    with path.open("rb") as file:
        return kind_of(Head(read_head(file), path.name, path.stat().st_size))


def _read(
    content: BinaryIO, name: str, size: int, budget: Budget, depth: int
) -> Iterator[Text | Unread]:
    if depth > budget.limits.depth:
        yield Unread(f"packed more than {budget.limits.depth} times")
        return
    try:
        head = read_head(content)
        kind = kind_of(Head(head, name, size))
        if kind.name != "text" and not kind.is_raw:
            yield Text(head[:4096].decode("utf-8", "replace"))  # gzip has a file's name there
        if not kind.seeks:
            yield from _parts(kind, cast("BinaryIO", _After(head, content)), budget, depth)
            return
        if depth == 0:
            content.seek(0)
            yield from _parts(kind, content, budget, depth)
            return
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as copy:
            shutil.copyfileobj(_After(head, content), copy)
            copy.seek(0)
            yield from _parts(kind, cast("BinaryIO", copy), budget, depth)
    except UnreadError as error:
        yield Unread(str(error))
    except OSError:
        raise
    except MemoryError:
        yield Unread("reading needs too much memory")
    except Exception as error:  # noqa: BLE001 - a damaged file may break any library
        yield Unread(f"damaged: {type(error).__name__}")


def _parts(
    kind: FileKind, content: BinaryIO, budget: Budget, depth: int
) -> Iterator[Text | Unread]:
    for part in kind.read(content, budget):
        if isinstance(part, Member):
            for inner in _read(part.content, part.name, 1 << 62, budget, depth + 1):
                if isinstance(inner, Unread) and part.name:
                    yield Unread(f"{part.name}: {inner.reason}")
                else:
                    yield inner
        else:
            yield part
