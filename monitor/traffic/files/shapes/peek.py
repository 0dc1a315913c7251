"""The first records of a file, from which its shape is detected before any of them is read."""

import sys
from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from monitor.errors import RecordError
from monitor.settings import Traffic
from monitor.traffic.files.shapes.detection import detect_shape, is_detected
from monitor.traffic.files.shapes.encoded_texts import decode_texts
from monitor.traffic.files.shapes.shape import Object, Shape
from monitor.traffic.parsing.json_text import parse_json
from monitor.traffic.record import RawRecord

#: Records that are looked at, at most this many and this many bytes together.
MAX_RECORDS, MAX_BYTES = 500, 16_000_000

#: Takes a remark for the user.
Announce = Callable[[str], None]


class Origin(NamedTuple):
    """The origin of records."""

    #: Its name in messages.
    label: str
    #: What its records are counted in: line, row, element or object.
    unit: str


def write_remark(text: str) -> None:
    """Write a remark to standard error."""
    sys.stderr.write(f"{text}\n")


def peek_shape(
    records: Iterator[RawRecord],
    settings: Traffic,
    origin: Origin,
    *,
    announce: Announce = write_remark,
    of_traffic: bool = False,
) -> tuple[Shape | None, Iterator[RawRecord]]:
    """Return the shape of records, ``None`` where the settings name the format, and all records.

    Where the settings name a format or fields, nothing is detected. ``announce`` takes the one
    remark on the shape, if there is one. Encoded texts are decoded, in JSON only where exchanges
    are not ``of_traffic``, whose texts are read as they are.

    Raises:
        InputError: The first records have two shapes, or none.
    """
    if not is_detected(settings):
        return None, records
    first: list[RawRecord] = []
    objects: list[Object] = []
    size = 0
    for record in records:
        first.append(record)
        size += record.size_bytes
        content = _object(record)
        if content is not None and record.size_bytes <= settings.max_record_bytes:
            objects.append(content)
        if len(first) >= MAX_RECORDS or size >= MAX_BYTES:
            break
    shape = detect_shape(
        objects,
        source=origin.label,
        joins_halves=settings.join.enabled,
        is_table=origin.unit == "row",
        unit=origin.unit,
    )
    if origin.unit == "row" or not of_traffic:
        shape = decode_texts(shape, objects)
    if shape.remark:
        announce(f"{origin.label}: read as {shape.name}: {shape.remark}")
    return shape, chain(first, records)


def _object(record: RawRecord) -> Object | None:
    try:
        content = parse_json(record.value or b"null")
    except RecordError:
        return None
    return content if isinstance(content, dict) else None
