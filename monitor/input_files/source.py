"""Source of JSON objects: a file, standard input, a folder, or bytes in memory."""

import hashlib
import io
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO

from monitor.errors import InputError
from monitor.extras import using_extras
from monitor.input_files.addresses import refuse_address
from monitor.input_files.compression import decompressed, readable
from monitor.input_files.csv_rows import iter_csv
from monitor.input_files.detection import FileContent, detect, read_head
from monitor.input_files.folders import data_files, is_pattern, matching_files
from monitor.input_files.json_values import iter_array, iter_json_lines, iter_objects
from monitor.input_files.spool import Spool

STANDARD_INPUT = Path("-")
#: Between the names of files that are one source.
JOINT = "+"
_TEXTS = {
    FileContent.LINES: iter_json_lines,
    FileContent.ARRAY: iter_array,
    FileContent.OBJECTS: iter_objects,
    FileContent.CSV: iter_csv,
}


@dataclass(frozen=True)
class SourcePart:
    """A file of a source."""

    label: str
    content: FileContent
    is_compressed: bool
    #: Opens it at its start.
    open: Callable[[], BinaryIO]

    def values(self) -> Iterator[bytes]:
        """Yield its values as JSON, in order.

        Raises:
            InputError: The file can't be read to its end.
        """
        with readable(self.label), self.open() as file:
            if self.content in _TEXTS:
                with decompressed(file) as stream:
                    yield from _TEXTS[self.content](stream, self.label)
            else:
                yield from _arrow_reader(self)(file, self.label)


@dataclass(frozen=True)
class InputSource:
    """JSON objects in the order of a file, or of the files of a folder."""

    #: Where it comes from, as given: a path, or ``-``.
    path: Path
    parts: Sequence[SourcePart]
    #: The values are rows of a table, whatever the files are.
    has_rows: bool = False

    @property
    def name(self) -> str:
        """A short name for reports."""
        return "standard input" if self.path == STANDARD_INPUT else self.path.name

    @property
    def label(self) -> str:
        """Its name in messages."""
        return self.name if self.path == STANDARD_INPUT else str(self.path)

    @property
    def is_plain_json(self) -> bool:
        """Whether it is one file of JSON lines or of one JSON array, uncompressed."""
        is_json = self.parts[0].content in (FileContent.LINES, FileContent.ARRAY)
        return is_json and len(self.parts) == 1 and not self.parts[0].is_compressed

    @property
    def unit(self) -> str:
        """The unit of its values: line, row, element or object."""
        return "row" if self.has_rows else self.parts[0].content.unit

    def values(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield the values from number ``start`` on, with their numbers from 0.

        A blank line is an empty value; a value may be no JSON, for the reader to report.

        Raises:
            InputError: A file can't be read to its end.
        """
        number = 0
        for part in self.parts:
            for value in part.values():
                if number >= start:
                    yield number, value
                number += 1

    def check(self) -> int:
        """Read everything, the first time it is called; return the number of values.

        Raises:
            InputError: A file can't be read to its end.
        """
        return self._n_values

    @cached_property
    def _n_values(self) -> int:
        return sum(1 for _ in self.values())

    def digest(self) -> str:
        """Return the first 16 digits of the SHA-256 of the bytes of its files.

        Raises:
            InputError: A file can't be read.
        """
        digests = []
        for part in self.parts:
            with readable(part.label), part.open() as file:
                digests.append(_sha256(file))
        if len(digests) == 1:
            return digests[0][:16]
        return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def open_source(place: Path | InputSource) -> InputSource:
    """Open a file, a folder of data files, standard input (``-``), or several files.

    Several are ``A+B``, or a pattern such as ``logs/*.jsonl``, in alphabetical order.

    What can be read only once is copied to a temporary file.

    Raises:
        InputError: It can't be read, or holds nothing that can be read as JSON objects.
    """
    if isinstance(place, InputSource):
        return place
    if place == STANDARD_INPUT:
        return _standard_input()
    with readable(str(place)):
        try:
            mode = place.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            mode = None
        if mode is None:
            refuse_address(str(place))
        if mode is None and JOINT in str(place):
            paths = str(place).split(JOINT)
            return InputSource(
                place, [part for path in paths for part in open_source(Path(path)).parts]
            )
        if mode is None or stat.S_ISDIR(mode):
            files = (
                matching_files(place) if mode is None and is_pattern(place) else data_files(place)
            )
            return InputSource(place, [_file(path) for path in files])
        if stat.S_ISREG(mode):
            return InputSource(place, [_file(place)])
        with place.open("rb") as stream:
            spool = Spool(stream, str(place))
    return InputSource(place, [_part(str(place), spool.open)])


def open_two(
    first: Path | InputSource, second: Path | InputSource
) -> tuple[InputSource, InputSource]:
    """Open two files, of which one at most is standard input; else ``InputError``."""
    if first == second == STANDARD_INPUT:
        raise InputError(
            "-: standard input can be one of the two files only; name the other", code="one_input"
        )
    return open_source(first), open_source(second)


def source_of_bytes(content: bytes, label: str, *, has_rows: bool = False) -> InputSource:
    """Return a source of bytes in memory.

    With ``has_rows`` they are the rows of a table, such as a data frame.

    Raises:
        InputError: They hold nothing that can be read as JSON objects.
    """
    parts = [_part(label, partial(io.BytesIO, content))]
    return InputSource(Path(label), parts, has_rows)


def _standard_input() -> InputSource:
    label = "standard input"
    stream = sys.stdin.buffer
    if stream.isatty():
        raise InputError(
            f"{label}: a terminal; pipe a file into the command, or name a file", code="terminal"
        )
    with readable(label):
        spool = Spool(stream, label)
    return InputSource(STANDARD_INPUT, [_part(label, spool.open)])


def _arrow_reader(part: SourcePart) -> Callable[[BinaryIO, str], Iterator[bytes]]:
    with using_extras(f"a Parquet or Arrow file ({part.label})", "parquet"):
        from monitor.input_files import arrow_rows  # noqa: PLC0415 - only where a file needs it

    return arrow_rows.iter_parquet if part.content is FileContent.PARQUET else arrow_rows.iter_arrow


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()


def _file(path: Path) -> SourcePart:
    def opener() -> BinaryIO:
        return path.open("rb")

    return _part(str(path), opener)


def _part(label: str, opener: Callable[[], BinaryIO]) -> SourcePart:
    with readable(label), opener() as file, decompressed(file) as stream:
        content = detect(read_head(stream), label)
        if content not in _TEXTS and stream is not file:
            raise InputError(
                f"{label}: compressed {content.name.title()}; decompress it: it is compressed in "
                "itself",
                code="compressed_twice",
            )
    return SourcePart(label, content, stream is not file, opener)
