"""Records of a file, in any format that Kafka carries."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from monitor.input_files import InputSource, open_source
from monitor.store.traffic.position import Position
from monitor.traffic.files.shapes.openai_batch import joined_batch
from monitor.traffic.record import RawRecord


def iter_records(place: Path | InputSource, *, source: str, start: int = 0) -> Iterator[RawRecord]:
    """Yield the lines, rows or elements from number ``start`` on, counted from 0, as JSON.

    Those of the input of an OpenAI batch have the responses of its output, where both are given.

    Raises:
        InputError: The file can't be read to its end; what came before was yielded.
    """
    now = datetime.now(UTC)
    file = open_source(place)
    batch = joined_batch(file)
    values = file.values(start) if batch is None else islice(enumerate(batch), start, None)
    for number, value in values:
        yield RawRecord(Position(source, 0, number), None, value, now)


def file_source_name(place: Path | InputSource) -> str:
    """Return the source name of a file, derived from its content.

    Raises:
        InputError: The file can't be read.
    """
    return f"file:{open_source(place).digest()}"
