"""Detection of what a file holds, by its content."""

import io
from enum import Enum
from typing import BinaryIO

from monitor.errors import InputError
from monitor.input_files.compression import is_compressed
from monitor.input_files.csv_rows import no_header, read_header
from monitor.input_files.json_values import (
    BYTE_ORDER_MARK,
    first_object,
    is_cut,
    is_json,
    quote,
)

#: Bytes of a file that decide.
HEAD_BYTES = 65_536


class FileContent(Enum):
    """The content of a file: the unit that its values are counted in."""

    LINES = "line"
    ARRAY = "element"
    OBJECTS = "object"
    CSV = "row"
    PARQUET = "row of Parquet"
    ARROW = "row of Arrow"

    @property
    def unit(self) -> str:
        """The name of a value in messages: line, element, object or row."""
        return self.value.partition(" ")[0]


PARQUET_MARK = b"PAR1"
#: A file, and a stream.
ARROW_MARKS = (b"ARROW1", b"\xff\xff\xff\xff")

_EXPORT = "export the exchanges as JSON lines, CSV or Parquet"
_SAVE_AS_CSV = "save the sheet as CSV (UTF-8)"
#: First bytes of files that can't be read, with what they are and what to do.
_OTHER_FILES = (
    (b"%PDF", "a PDF", _EXPORT),
    (b"\x89PNG", "a PNG image", _EXPORT),
    (b"\xff\xd8\xff", "a JPEG image", _EXPORT),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls)", _SAVE_AS_CSV),
    (b"SQLite format 3\x00", "a SQLite database", _EXPORT),
    (b"PARE", "an encrypted Parquet file", "write it without encryption"),
    (b"Obj\x01", "an Avro file", _EXPORT),
    (b"BZh", "compressed with bzip2", "decompress it (`bunzip2 -k`), or use gzip or zstd"),
    (b"\xfd7zXZ", "compressed with xz", "decompress it (`unxz -k`), or use gzip or zstd"),
    (b"\x04\x22\x4d\x18", "compressed with lz4", "decompress it (`unlz4`), or use gzip or zstd"),
    (b"7z\xbc\xaf", "a 7z archive", "extract it, and give the file in it"),
)
_ZIP = b"PK\x03\x04"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def detect(head: bytes, label: str) -> FileContent:
    """Return what a file holds.

    ``head`` is its first 64 KiB, decompressed; errors name the ``label``.

    Raises:
        InputError: It holds nothing that can be read as JSON objects.
    """
    if head.startswith((PARQUET_MARK, *ARROW_MARKS)):
        return FileContent.PARQUET if head.startswith(PARQUET_MARK) else FileContent.ARROW
    if is_compressed(head):
        raise InputError(f"{label}: compressed twice; decompress it once", code="compressed_twice")
    refuse_other(head, label)
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    if text.startswith(b"{"):
        return _objects(text)
    if text.startswith(b"["):
        return FileContent.LINES if _is_line_of_others(text) else FileContent.ARRAY
    return _lines_or_csv(text, label)


def _lines_or_csv(text: bytes, label: str) -> FileContent:
    lines = text.splitlines()
    if not lines or any(line.lstrip().startswith(b"{") and is_json(line) for line in lines):
        return FileContent.LINES  # nothing, or objects after lines that are none
    try:
        header = read_header(lines[0].decode("utf-8"))
    except UnicodeDecodeError:
        raise InputError(
            f"{label}: not UTF-8: {quote(lines[0])}; `iconv -f LATIN1 -t UTF-8 {label}` if "
            "it is Latin-1",
            code="not_utf8",
        ) from None
    if header is None:
        raise no_header(label, text)
    return FileContent.CSV


def _is_line_of_others(text: bytes) -> bool:
    """Return whether a list stands on a line of its own, without objects, before other lines."""
    line, _, rest = text.partition(b"\n")
    return bool(rest.strip()) and is_json(line) and b"{" not in line


def refuse_other(head: bytes, label: str) -> None:
    """Refuse content that is no text, Parquet or Arrow file.

    Raises:
        InputError: With what it is and what to do.
    """
    if is_compressed(head) or head.startswith((PARQUET_MARK, *ARROW_MARKS)):
        return
    for mark, kind, advice in _OTHER_FILES:
        if head.startswith(mark):
            raise InputError(f"{label}: {kind}; {advice}", code="other_file")
    if head.startswith(_ZIP):
        is_workbook = b"xl/" in head or b"[Content_Types].xml" in head
        kind = "an Excel workbook (.xlsx)" if is_workbook else "a zip archive"
        advice = _SAVE_AS_CSV if is_workbook else "extract it, and give the file in it"
        raise InputError(f"{label}: {kind}; {advice}", code="other_file")
    if head[257:262] == b"ustar":
        raise InputError(
            f"{label}: a tar archive; extract it, and give the file in it", code="other_file"
        )
    encoding = _wide_encoding(head)
    if encoding:
        raise InputError(
            f"{label}: {encoding}; UTF-8 is needed (`iconv -f {encoding} -t UTF-8 {label}`)",
            code="not_utf8",
        )
    if b"\x00" in head and head.lstrip()[:1] not in b"{[":
        raise InputError(f"{label}: a binary file; {_EXPORT}", code="other_file")


def _wide_encoding(head: bytes) -> str:
    """Return UTF-16 or UTF-32 where a text has this encoding, with or without a mark."""
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "UTF-32"
    if head.startswith(_UTF_16_MARKS):
        return "UTF-16"
    for first, name in ((1, "UTF-16LE"), (0, "UTF-16BE")):
        high, low = head[first:200:2], head[1 - first : 200 : 2]
        if len(high) > 3 and high.count(0) > 0.8 * len(high) and low.count(0) < 0.2 * len(low):
            return name
    return ""


def _objects(text: bytes) -> FileContent:
    """Return whether JSON objects stand on a line each, or span lines or share them."""
    line = text.partition(b"\n")[0]
    if is_json(line):
        return FileContent.LINES
    first = first_object(text)
    if not first:
        spans_lines = is_cut(text) and b"\n" in text.rstrip()
        return FileContent.OBJECTS if spans_lines else FileContent.LINES
    shares_line = line[len(first) :].lstrip().startswith(b"{")
    is_other = is_json(first) and (b"\n" in first or shares_line)
    return FileContent.OBJECTS if is_other else FileContent.LINES


def read_head(stream: BinaryIO) -> bytes:
    """Return the first 64 KiB of a stream, fewer at its end."""
    return read_up_to(stream, HEAD_BYTES)


def read_up_to(stream: BinaryIO, n_bytes: int) -> bytes:
    """Return the next bytes of a stream, fewer at its end only, however few each read returns."""
    content = io.BytesIO()
    while content.tell() < n_bytes and (chunk := stream.read(n_bytes - content.tell())):
        content.write(chunk)
    return content.getvalue()
