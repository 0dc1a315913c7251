"""Search of files of any kind, below folders and by name, for what was erased."""

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from monitor.privacy.erasure.traces import NO_TRACES, Traces
from monitor.privacy.file_readers.parts import Limits, Text
from monitor.privacy.file_readers.reading import kind_of_file, read_file
from monitor.privacy.proof.findings import RemainingText, Unread, stored_name
from monitor.privacy.proof.fingerprints import FingerprintSearch, normalize

#: Parts of a file that are named where they can't be read.
NAMED = 3
ADVICE = "delete it, or what it holds of this end user, and run the command again"
#: A tag of HTML, which stands between words.
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")


@dataclass(frozen=True)
class Terms:
    """The terms of a search: those that an erasure knows in clear, and the remembered ones."""

    fingerprints: FingerprintSearch
    traces: Traces = NO_TRACES

    def in_text(self, text: str, *, quotes: bool = True) -> bool:
        """Return whether a text has something of the end user, as it is or read as HTML or JSON.

        Without ``quotes``, short quotes may be chance: ids and long passages alone count.
        """
        plain = normalize(text)
        words = _TAG.sub(" ", plain) if "<" in plain else plain
        traces = self.traces if quotes else self.traces.without_quotes()
        if any(map(traces.in_value, dict.fromkeys([text, plain, words]))):
            return True
        searched = [text] if words == plain else [text, words]
        return any(True for part in searched for _ in self.fingerprints.find(part))

    def mask(self, text: str) -> str:
        """Return a path without the end user, to be stored."""
        return stored_name(self.fingerprints.mask(self.traces.mask(text)))


@dataclass(frozen=True)
class Places:
    """Folders and files to be searched."""

    folders: tuple[Path, ...]
    #: Files and folders of data, and whether short quotes count in them or may be chance.
    files: Mapping[Path, bool] = field(default_factory=dict)
    #: Files of the database, which is searched by its rows and bytes.
    left_out: Collection[Path] = ()


@dataclass
class FileSearch:
    """The result of a search of files."""

    findings: list[RemainingText] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    n_files: int = 0
    n_raw: int = 0


def search_files(
    places: Places,
    terms: Terms,
    limits: Limits | None = None,
    may_continue: Callable[[], bool] = lambda: True,
) -> FileSearch:
    """Search files and their names; each is read to its end unless something is found in it."""
    limits = limits or Limits()
    result = FileSearch()
    seen: set[Path] = set()
    for path, name, quotes in _files(places, result):
        if path in seen or path in places.left_out or not may_continue():
            continue
        seen.add(path)
        result.n_files += 1
        if terms.in_text(name):
            result.findings.append(RemainingText("file", str(path), "in its name", ADVICE))
            continue
        _search_file(path, terms, limits, result, quotes=quotes)
    return result


def _search_file(
    path: Path, terms: Terms, limits: Limits, result: FileSearch, *, quotes: bool
) -> None:
    reasons: list[str] = []
    for number, part in enumerate(read_file(path, limits)):
        if not isinstance(part, Text):
            reasons.append(part.reason)
        elif terms.in_text(part.text, quotes=quotes):
            result.findings.append(RemainingText("file", str(path), f"part {number + 1}", ADVICE))
            return
    if reasons:
        more = f" and {len(reasons) - NAMED:,} more" if len(reasons) > NAMED else ""
        result.unread.append(Unread(str(path), "; ".join(reasons[:NAMED]) + more))
    else:
        result.n_raw += kind_of_file(path).is_raw


def _files(places: Places, result: FileSearch) -> Iterator[tuple[Path, str, bool]]:
    """Yield path, searched name, and whether short quotes count, of files and in folders."""

    def note(error: OSError) -> None:
        result.unread.append(Unread(str(error.filename), error.strerror or str(error)))

    for path, quotes in (*places.files.items(), *((folder, True) for folder in places.folders)):
        if not path.is_dir():
            if path.exists():
                yield path, path.name, quotes
            continue
        for root, folders, names in os.walk(path, onerror=note):
            for name in sorted([*names, *(n for n in folders if (Path(root) / n).is_symlink())]):
                inner = Path(root) / name
                if not (inner.is_symlink() and _is_inside(inner, (path, *places.folders))):
                    yield inner, str(inner.relative_to(path)), quotes


def _is_inside(link: Path, folders: Collection[Path]) -> bool:
    """Return whether a link leads to what is searched anyway."""
    target = link.resolve()
    return any(target.is_relative_to(folder) for folder in folders)
