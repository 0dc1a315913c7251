"""Results of a search for an erased end user: what is left, and what could not be read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

#: A byte of a path that is no UTF-8, as it is stored.
_ESCAPED_BYTE = re.compile(r"\\udc([89a-f][0-9a-f])")


def stored_name(text: str) -> str:
    """Return a text with paths as databases and documents take it: bytes of no UTF-8 escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def named_path(stored: str) -> str:
    """Return the path of a stored name."""
    return _ESCAPED_BYTE.sub(lambda matches: chr(int(f"dc{matches[1]}", 16)), stored)


@dataclass(frozen=True)
class RemainingText:
    """A place where something of an end user is left."""

    kind: Literal["column", "database_file", "file"]
    #: Table and column, or path.
    place: str
    #: Primary key, or position in the file.
    where: str
    #: What may be done about it.
    advice: str = ""


@dataclass(frozen=True)
class Unread:
    """A file or an erasure that could not be read or compared."""

    place: str
    reason: str


@dataclass(frozen=True)
class SearchResult:
    """Findings of a search, the places searched, and the number of terms."""

    findings: tuple[RemainingText, ...] = ()
    unread: tuple[Unread, ...] = ()
    folders: tuple[Path, ...] = ()
    n_files: int = 0
    #: Files whose bytes were searched as they are: pickles and weights, none of which is loaded.
    n_raw: int = 0
    n_ids: int = 0
    n_passages: int = 0

    @property
    def exit_status(self) -> int:
        """Return 1 where something was found, 4 where only something was not read, else 0."""
        return 1 if self.findings else 4 if self.unread else 0

    @property
    def figures(self) -> Mapping[str, int]:
        """Return the numbers of what was searched."""
        return {"files": self.n_files, "ids": self.n_ids, "passages": self.n_passages}
