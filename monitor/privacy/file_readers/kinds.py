"""The kinds of files, each with its reader. The first that matches counts.

A test plants a text in a file of each kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from monitor.input_files.compression import GZIP_MARK, ZSTD_MARKS
from monitor.input_files.detection import ARROW_MARKS, PARQUET_MARK
from monitor.privacy.file_readers import (
    arrow,
    closed,
    compressed,
    parquet,
    safetensors,
    sqlite,
    tar_archive,
    text,
    zip_archive,
)
from monitor.privacy.file_readers.parts import Budget, Parts

#: Names of files that hold pickles. None is ever loaded, as that would run what it says.
PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt", ".joblib")


@dataclass(frozen=True)
class Head:
    """First bytes, name and size of a file, which tell its kind."""

    content: bytes
    name: str
    size: int


@dataclass(frozen=True)
class FileKind:
    """A kind of file."""

    name: str
    matches: Callable[[Head], bool]
    read: Callable[[BinaryIO, Budget], Parts]
    #: Whether its reader moves to and fro in the file.
    seeks: bool = False
    #: Whether its bytes are searched as they are, without understanding them.
    is_raw: bool = False


def _begins(*marks: bytes) -> Callable[[Head], bool]:
    return lambda head: head.content.startswith(marks)


def _is_pickle(head: Head) -> bool:
    protocol = head.content[:1] == b"\x80" and head.content[1:2] in {b"\2", b"\3", b"\4", b"\5"}
    return protocol or head.name.lower().endswith(PICKLES)


KINDS: tuple[FileKind, ...] = (
    FileKind("gzip", _begins(GZIP_MARK), compressed.read_gzip),
    FileKind("zstd", _begins(*ZSTD_MARKS), compressed.read_zstd),
    FileKind("bzip2", _begins(b"BZh"), compressed.read_bzip2),
    FileKind("xz", _begins(b"\xfd7zXZ\0"), compressed.read_xz),
    FileKind("zip", _begins(b"PK\3\4", b"PK\5\6"), zip_archive.read, seeks=True),
    FileKind("tar", lambda head: head.content[257:262] == b"ustar", tar_archive.read),
    FileKind("parquet", _begins(PARQUET_MARK), parquet.read, seeks=True),
    FileKind("arrow", _begins(*ARROW_MARKS), arrow.read, seeks=True),
    FileKind("sqlite", _begins(b"SQLite format 3\0"), sqlite.read, seeks=True),
    FileKind(
        "safetensors", lambda head: safetensors.matches(head.content, head.size), safetensors.read
    ),
    FileKind("closed", lambda head: bool(closed.reason_of(head.content)), closed.read),
    FileKind("pickle", _is_pickle, text.read, is_raw=True),
    FileKind("gguf", lambda head: head.content.startswith(b"GGUF"), text.read, is_raw=True),
    FileKind("text", lambda _head: True, text.read),
)


def kind_of(head: Head) -> FileKind:
    """Return the kind of a file."""
    return next(kind for kind in KINDS if kind.matches(head))
