"""Exchanges and unreadable lines of a file."""

from dataclasses import dataclass, replace
from pathlib import Path

from monitor.errors import RecordError
from monitor.input_files import InputSource, open_source
from monitor.settings import Traffic
from monitor.store.traffic.pending_halves import HalfRow
from monitor.traffic.decoder import Decoder
from monitor.traffic.exchange import Exchange
from monitor.traffic.files.records import iter_records
from monitor.traffic.joining import join, pair
from monitor.traffic.redaction import Redactor, redact_exchange
from monitor.traffic.rows import half_row
from monitor.traffic.sampling.sampler import Draw


@dataclass(frozen=True)
class BadLine:
    """An unreadable line, row, element or object."""

    #: Counted from 1.
    number: int
    reason: str
    detail: str
    unit: str = "line"

    def __str__(self) -> str:
        """Return ``line 3: invalid_json: ...``."""
        return f"{self.unit} {self.number}: {self.reason}: {self.detail}"


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
) -> FileContent:
    """Read a file without sampling, for a comparison or a baseline.

    Args:
        place: The file. Blank lines are skipped.
        settings: The format and the limits.
        default_model: The model of lines that name none.
        redactor: Replaces personal data; ``None`` leaves it.
        requires_response: A line with only a prompt can't be read.

    Raises:
        InputError: The file can't be read to its end.
    """
    source = open_source(place)
    decoder = Decoder(settings, default_model=default_model, requires_response=requires_response)
    exchanges: list[Exchange] = []
    halves: list[HalfRow] = []
    bad_lines: list[BadLine] = []
    for record in iter_records(source, source=source.name):
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
        _with_conversion(
            source.name,
            [
                replace(line, unit=source.unit)
                for line in sorted(bad_lines, key=lambda line: line.number)
            ],
        ),
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
