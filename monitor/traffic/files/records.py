"""Records of a file: JSON Lines in any format that Kafka carries."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from monitor.errors import InputError
from monitor.store.traffic.position import Position
from monitor.traffic.record import RawRecord

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
GZIP_MARK = b"\x1f\x8b"


def iter_records(path: Path, *, source: str, start: int = 0) -> Iterator[RawRecord]:
    """Yield the lines from number ``start`` on, counted from 0, without their line ends.

    Raises:
        InputError: The file can't be read, is one JSON array, has objects that span lines, is
            compressed, or isn't UTF-8.
    """
    now = datetime.now(UTC)
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file):
                if number == 0:
                    line = line.removeprefix(BYTE_ORDER_MARK)  # noqa: PLW2901
                    _check_first_line(path, line)
                if number >= start:
                    position = Position(source, 0, number)
                    yield RawRecord(position, None, line.strip(), now)
    except OSError as error:
        raise _unreadable(path, error) from None


def file_source_name(path: Path) -> str:
    """Return the source name of a file, derived from its content.

    Raises:
        InputError: The file can't be read.
    """
    try:
        with path.open("rb") as file:
            return f"file:{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> InputError:
    """Return the error, with a hint for ``-``, which other commands take for standard input."""
    hint = "; for standard input give /dev/stdin" if str(path) == "-" else ""
    return InputError(f"{path}: {error.strerror or error}{hint}")


def _check_first_line(path: Path, first_line: bytes) -> None:
    if first_line.startswith(UTF_16_MARKS):
        raise InputError(
            f"{path} is UTF-16; UTF-8 is needed (`iconv -f UTF-16 -t UTF-8 {path.name}`)"
        )
    if first_line.startswith(GZIP_MARK):
        raise InputError(
            f"{path} is compressed; JSON lines are needed (`gunzip -k {path.name}`, or in bash "
            f"`<(zcat {path.name})` in place of the file)"
        )
    if first_line.strip() == b"{":
        raise InputError(
            f"{path} holds objects of many lines; one object a line is needed "
            f"(`jq -c . {path.name}`)"
        )
    if first_line.lstrip().startswith(b"["):
        raise InputError(
            f"{path} holds a JSON array; one object a line is needed (`jq -c '.[]' {path.name}`)"
        )
