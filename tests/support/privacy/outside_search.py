"""Search of raw bytes for planted words, by nothing of the product's."""

import bz2
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

#: Bytes before a hit that say where it is: planted values begin with their column's name.
BEFORE = 400
GZIP = re.compile(rb"\x1f\x8b\x08")


@dataclass(frozen=True)
class Hit:
    """A planted word at a place, with the bytes before it."""

    word: str
    path: Path
    before: bytes


@dataclass
class OutsideSearch:
    """A search of files for texts, as they are, in UTF-16 and in what is packed."""

    #: The texts in lower case, each with the word of the end user whose it is.
    words: Mapping[str, str]
    n_bytes: int = 0
    n_files: int = 0
    _pattern: re.Pattern[bytes] = field(init=False)
    _of: dict[bytes, str] = field(init=False)

    def __post_init__(self) -> None:
        """Compile one pattern of all spellings."""
        self._of = {
            spelled: word
            for text, word in self.words.items()
            for spelled in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"))
        }
        spellings = sorted(self._of, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, spellings)))

    def search(self, *places: Path) -> list[Hit]:
        """Return the words in files, in folders with all that is below, and in the names."""
        hits = []
        for place in places:
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                hits += [Hit(word, path, b"name") for word in self._in(str(path).encode())]
                if path.is_file():
                    self.n_files += 1
                    hits += self.search_bytes(path, path.read_bytes())
        return hits

    def search_bytes(self, path: Path, raw: bytes) -> Iterator[Hit]:
        """Yield the words in bytes that were read from a place."""
        self.n_bytes += len(raw)
        for content in (raw, *_unpacked(raw)):
            lowered = content.lower()
            for match in self._pattern.finditer(lowered):
                start = max(0, match.start() - BEFORE)
                yield Hit(self._of[match[0]], path, content[start : match.start()])

    def _in(self, raw: bytes) -> Iterator[str]:
        for match in self._pattern.finditer(raw.lower()):
            yield self._of[match[0]]


def _unpacked(raw: bytes) -> Iterator[bytes]:
    """Yield what the standard library unpacks: gzip anywhere, and whole files of other kinds."""
    for match in GZIP.finditer(raw):
        try:
            yield zlib.decompressobj(31).decompress(raw[match.start() :], 1 << 24)
        except zlib.error:
            continue
    for unpack in (bz2.decompress, lzma.decompress, _unzipped):
        try:
            yield unpack(raw)
        except (OSError, ValueError, lzma.LZMAError, zipfile.BadZipFile):
            continue


def _unzipped(raw: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())
