"""Files of exchanges: JSON Lines in any format that Kafka carries."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from monitor.errors import InputError, RecordError
from monitor.settings import Traffic
from monitor.store.traffic.pending_halves import HalfRow
from monitor.store.traffic.position import Position
from monitor.traffic.decoder import Decoder
from monitor.traffic.exchange import Exchange
from monitor.traffic.joining import join, pair
from monitor.traffic.record import RawRecord
from monitor.traffic.redaction import Redactor, redact_exchange
from monitor.traffic.rows import half_row
from monitor.traffic.sampling.sampler import Draw

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
GZIP_MARK = b"\x1f\x8b"


@dataclass(frozen=True)
class BadLine:
    """An unreadable line."""

    #: Counted from 1.
    number: int
    reason: str
    detail: str

    def __str__(self) -> str:
        """Return ``line 3: invalid_json: ...``."""
        return f"line {self.number}: {self.reason}: {self.detail}"


@dataclass(frozen=True)
class FileContent:
    """Exchanges and unreadable lines of a file."""

    exchanges: list[Exchange]
    bad_lines: list[BadLine]
    #: Exchanges whose texts the source withholds.
    n_withheld: int = 0

    @property
    def share_withheld(self) -> float:
        """The share of exchanges that are withheld."""
        return self.n_withheld / max(1, self.n_withheld + len(self.exchanges))


def read_exchanges(
    path: Path,
    settings: Traffic,
    *,
    default_model: str,
    redactor: Redactor | None,
    requires_response: bool = False,
) -> FileContent:
    """Read a file without sampling, for a comparison or a baseline.

    Args:
        path: The file. Blank lines are skipped.
        settings: The format and the limits.
        default_model: The model of lines that name none.
        redactor: Replaces personal data; ``None`` leaves it.
        requires_response: A line with only a prompt can't be read.

    Raises:
        InputError: The file can't be read, or isn't JSON Lines.
    """
    decoder = Decoder(settings, default_model=default_model, requires_response=requires_response)
    exchanges: list[Exchange] = []
    halves: list[HalfRow] = []
    bad_lines: list[BadLine] = []
    for record in iter_records(path, source=path.name):
        if not record.value:
            continue
        number = record.position.offset + 1
        try:
            decoded = decoder.decode(record)
        except RecordError as error:
            bad_lines.append(BadLine(number, error.reason, error.detail))
            continue
        exchanges += decoded.exchanges
        bad_lines += [
            BadLine(number, part.error.reason, part.error.detail) for part in decoded.unreadable
        ]
        halves += [
            half_row(
                half,
                position=record.position,
                received_at=record.timestamp,
                draw=Draw(0),
            )
            for half in decoded.halves
        ]
    pairs, left = pair(halves)
    exchanges += [
        join(request, response, settings, default_model=default_model).exchange
        for request, response in pairs
    ]
    bad_lines += [_unpaired(half) for half in left]
    compared = [exchange for exchange in exchanges if not exchange.withheld]
    return FileContent(
        [redact_exchange(exchange, redactor) for exchange in compared],
        _with_conversion(path, sorted(bad_lines, key=lambda line: line.number)),
        len(exchanges) - len(compared),
    )


def _with_conversion(path: Path, bad_lines: list[BadLine]) -> list[BadLine]:
    """Add the conversion command to the first line that isn't UTF-8."""
    first = next((at for at, bad in enumerate(bad_lines) if bad.reason == "invalid_utf8"), None)
    if first is not None:
        bad = bad_lines[first]
        hint = f"`iconv -f LATIN1 -t UTF-8 {path.name}` if the file is Latin-1"
        bad_lines[first] = replace(bad, detail=f"{bad.detail}; {hint}")
    return bad_lines


def _unpaired(half: HalfRow) -> BadLine:
    other = "response" if half.side == "request" else "request"
    return BadLine(
        half.position.offset + 1,
        f"unpaired_{half.side}",
        f"no {other} {half.join_id!r} in the file",
    )


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
