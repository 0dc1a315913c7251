"""Records of a file, in any format that Kafka carries."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from monitor.input_files import InputSource, open_source
from monitor.store.traffic.position import Position
from monitor.traffic.files.shapes.openai_batch import join_batch
from monitor.traffic.record import RawRecord


def open_file(place: Path | InputSource) -> InputSource:
    """Open a file of exchanges; the input of an OpenAI batch with its output is one file.

    Raises:
        InputError: As :func:`monitor.input_files.open_source`; or a batch has not one input.
    """
    return join_batch(open_source(place))


def iter_records(place: Path | InputSource, *, source: str, start: int = 0) -> Iterator[RawRecord]:
    """Yield the lines, rows or elements from number ``start`` on, counted from 0, as JSON.

    Raises:
        InputError: The file can't be read to its end; what came before was yielded.
    """
    now = datetime.now(UTC)
    for number, value in open_file(place).values(start):
        yield file_record(source, number, value, now)


def file_record(source: str, number: int, value: bytes, now: datetime) -> RawRecord:
    """Return the record of a line, row or element."""
    return RawRecord(Position(source, 0, number), None, value, now)


def file_source_name(place: Path | InputSource) -> str:
    """Return a file's source name, by its content; ``InputError`` where it is unreadable."""
    return f"file:{open_source(place).digest()}"
