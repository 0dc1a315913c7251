"""Exchanges and unreadable lines of a file."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from monitor.errors import RecordError
from monitor.input_files import InputSource
from monitor.settings import Traffic
from monitor.store.traffic.position import HalfRow
from monitor.traffic.decoder import Decoder
from monitor.traffic.exchange import Exchange
from monitor.traffic.files.bad_lines import BadLine
from monitor.traffic.files.constant_users import ConstantUser
from monitor.traffic.files.records import iter_records, open_file
from monitor.traffic.files.shapes.peek import Announce, Origin, peek_shape, write_remark
from monitor.traffic.files.shapes.shape import Shape
from monitor.traffic.joining import join, pair
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
    #: Of its objects; ``None`` where the settings name the format.
    shape: Shape | None = None
    #: The end users' ids of the exchanges as the file has them.
    sent_ids: list[str] = field(default_factory=list)
    #: What its end users are where all exchanges name one; empty otherwise.
    user_remark: str = ""

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

    Blank lines are skipped. Where the settings name no format and no fields, the shape of the
    objects is detected, and ``announce`` takes the remark on it. With ``requires_response``, of a
    baseline of traffic, a line with only a prompt can't be read, and a user that all have is kept.

    Raises:
        InputError: The file can't be read, its lines have two shapes, or none.
    """
    file = open_file(place)
    shape, records = peek_shape(
        iter_records(file, source=file.name),
        settings,
        Origin(file.label, file.unit),
        announce=announce,
        of_traffic=requires_response,
    )
    decoder = Decoder(
        settings,
        default_model=default_model,
        requires_response=requires_response,
        read=None if shape is None else shape.read,
    )
    exchanges: list[Exchange] = []
    user = ConstantUser()
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
        user.add(record, decoded.exchanges)
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
    user_remark = ""
    if not requires_response:
        exchanges, user_remark = user.replace(exchanges)
    if user_remark:
        announce(f"{file.label}: {user_remark}")
    compared = [exchange for exchange in exchanges if not exchange.withheld]
    return FileContent(
        [redact_exchange(exchange, redactor) for exchange in compared],
        _with_conversion(
            file.name,
            [
                replace(line, unit=file.unit)
                for line in sorted(bad_lines, key=lambda line: line.number)
            ],
        ),
        len(exchanges) - len(compared),
        shape,
        [exchange.end_user for exchange in compared],
        user_remark,
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
