"""What is wrong with a taxonomy: a place, and what to do there."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to mend."""

    path: str
    #: From 1; 0 where it is the file as a whole.
    line: int
    message: str

    def __str__(self) -> str:
        """Return ``file:line: message``, as editors and terminals make links of."""
        return (
            f"{self.path}:{self.line}: {self.message}"
            if self.line
            else f"{self.path}: {self.message}"
        )


@dataclass
class Problems:
    """Collects what is wrong, all at once."""

    path: Path
    found: list[Problem] = field(default_factory=list)

    def add(self, line: int, message: str) -> None:
        """Note something; lines count from 1."""
        self.found.append(Problem(str(self.path), line, message))


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" where a known word is close, and then the known ones."""
    words = list(known)
    close = difflib.get_close_matches(word, words, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{hint} known here: {', '.join(words)}"
