"""Problems of a taxonomy: place, message and suggestion."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, order=True)
class Problem:
    """A problem at a place of a file."""

    path: str
    #: From 1; 0 for the whole file.
    line: int
    message: str

    def __str__(self) -> str:
        """Return ``file:line: message``, which editors and terminals link."""
        return (
            f"{self.path}:{self.line}: {self.message}"
            if self.line
            else f"{self.path}: {self.message}"
        )


@dataclass
class Problems:
    """The problems of a file."""

    path: Path
    items: list[Problem] = field(default_factory=list)

    def add(self, line: int, message: str) -> None:
        """Add a problem; lines count from 1."""
        self.items.append(Problem(str(self.path), line, message))


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" if a known word is similar, followed by the known words."""
    words = list(known)
    close = difflib.get_close_matches(word, words, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{hint} known: {', '.join(words)}"
