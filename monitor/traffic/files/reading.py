"""Exchanges and unreadable lines of a file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.input_files import InputSource
from monitor.settings import Traffic
from monitor.store.traffic.pending_halves import HalfRow
from monitor.store.traffic.position import Position
from monitor.traffic.decoder import Decoder
from monitor.traffic.exchange import Exchange
from monitor.traffic.files.bad_lines import BadLine
from monitor.traffic.files.records import iter_records, open_file
from monitor.traffic.files.shapes.peek import Announce, Origin, peek_shape, write_remark
from monitor.traffic.joining import join, pair
from monitor.traffic.record import RawRecord
from monitor.traffic.redaction import Redactor, redact_exchange
from monitor.traffic.rows import half_row
from monitor.traffic.sampling.sampler import Draw


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
    place: Path | InputSource,
    settings: Traffic,
    *,
    default_model: str,
    redactor: Redactor | None,
    requires_response: bool = False,
    announce: Announce = write_remark,
) -> FileContent:
    """Read a file without sampling, for a comparison or a baseline.

    Args:
        place: The file. Blank lines are skipped.
        settings: The format and the limits; where they name no format and no fields, the shape of
            the objects is detected.
        default_model: The model of lines that name none.
        redactor: Replaces personal data; ``None`` leaves it.
        requires_response: A line with only a prompt can't be read.
        announce: Takes the remark on the shape.

    Raises:
        InputError: The file can't be read, its lines have two shapes, or none.
    """
    file = open_file(place)
    content = _read(
        iter_records(file, source=file.name),
        settings,
        Origin(file.label, file.unit),
        default_model=default_model,
        redactor=redactor,
        requires_response=requires_response,
        announce=announce,
    )
    return replace(content, bad_lines=_with_conversion(file.name, content.bad_lines))


def read_objects(
    objects: Iterable[Mapping[str, Any]],
    settings: Traffic,
    *,
    default_model: str = "",
    redactor: Redactor | None,
    requires_response: bool = False,
    source: str = "objects",
    is_table: bool = False,
    announce: Announce = write_remark,
) -> FileContent:
    """Read objects in memory as the lines of a file; numbers of bad lines count from 1.

    Args:
        objects: JSON objects in any of the shapes. Times, missing values and single numbers of
            NumPy and pandas are accepted.
        settings: As of :func:`read_exchanges`.
        default_model: The model of objects that name none.
        redactor: Replaces personal data; ``None`` leaves it.
        requires_response: An object with only a prompt can't be read.
        source: Their name, for remarks and errors.
        is_table: They are rows of a data frame, of which all columns are read.
        announce: Takes the remark on the shape.

    Raises:
        InputError: The objects have two shapes, or none.
    """
    now = datetime.now(UTC)
    records = (
        RawRecord(Position(source, 0, number), None, _encode(content), now)
        for number, content in enumerate(objects)
    )
    return _read(
        records,
        settings,
        Origin(source, "row" if is_table else "object"),
        default_model=default_model,
        redactor=redactor,
        requires_response=requires_response,
        announce=announce,
    )


def _encode(content: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(dict(content), enc_hook=_plain_value)


def _plain_value(value: Any) -> Any:
    """Return a value of NumPy or pandas as JSON has it; a missing one is null."""
    for method in ("tolist", "isoformat"):
        if hasattr(value, method):
            plain = getattr(value, method)()
            return None if plain == "NaT" else plain
    return None if type(value).__name__ == "NAType" else str(value)


def _read(
    records: Iterator[RawRecord],
    settings: Traffic,
    origin: Origin,
    *,
    default_model: str,
    redactor: Redactor | None,
    requires_response: bool,
    announce: Announce,
) -> FileContent:
    shape, records = peek_shape(records, settings, origin, announce=announce)
    decoder = Decoder(
        settings,
        default_model=default_model,
        requires_response=requires_response,
        read=None if shape is None else shape.read,
    )
    exchanges: list[Exchange] = []
    halves: list[HalfRow] = []
    bad_lines: list[BadLine] = []
    for record in records:
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
        [
            replace(line, unit=origin.unit)
            for line in sorted(bad_lines, key=lambda line: line.number)
        ],
        len(exchanges) - len(compared),
    )


def _with_conversion(name: str, bad_lines: list[BadLine]) -> list[BadLine]:
    """Add the conversion command to the first line that isn't UTF-8."""
    first = next((at for at, bad in enumerate(bad_lines) if bad.reason == "invalid_utf8"), None)
    if first is not None:
        bad = bad_lines[first]
        hint = f"`iconv -f LATIN1 -t UTF-8 {name}` if the file is Latin-1"
        bad_lines[first] = replace(bad, detail=f"{bad.detail}; {hint}")
    return bad_lines


def _unpaired(half: HalfRow) -> BadLine:
    other = "response" if half.side == "request" else "request"
    return BadLine(
        half.position.offset + 1,
        f"unpaired_{half.side}",
        f"no {other} {half.join_id!r} in the file",
    )
