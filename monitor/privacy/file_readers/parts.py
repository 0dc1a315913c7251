"""Parts of a file that a reader yields, and the bounds of its work."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

#: Bytes read at once.
STEP = 1 << 20


class UnreadError(Exception):
    """Raised where a file, or a part of it, can't be read; the message is the reason."""


@dataclass(frozen=True)
class Limits:
    """Bounds of the reading of one file."""

    #: Bytes that come out of compressed content and archives, with all their members.
    unpacked_bytes: int = 4 << 30
    seconds: float = 300.0
    #: Archives and compressed files in one another.
    depth: int = 4
    members: int = 100_000


@dataclass
class Budget:
    """The rest of the bounds while a file is read."""

    limits: Limits = field(default_factory=Limits)
    _unpacked: int = 0
    _members: int = 0
    _started: float = field(default_factory=time.monotonic)

    def spend(self, n_bytes: int = 0) -> None:
        """Count bytes that came out of compressed content; raise where a bound is passed."""
        self._unpacked += n_bytes
        if self._unpacked > self.limits.unpacked_bytes:
            raise UnreadError(f"unpacks to more than {self.limits.unpacked_bytes >> 20:,} MiB")
        if time.monotonic() - self._started > self.limits.seconds:
            raise UnreadError(f"reading takes more than {self.limits.seconds:.0f} s")

    def count_member(self) -> None:
        """Count a member of an archive; raise where there are too many."""
        self._members += 1
        if self._members > self.limits.members:
            raise UnreadError(f"holds more than {self.limits.members:,} members")
        self.spend()


@dataclass(frozen=True)
class Text:
    """A text of a file; two that follow each other may overlap."""

    text: str


@dataclass(frozen=True)
class Member:
    """Bytes in a file that are read as a file of their own."""

    name: str
    content: BinaryIO


@dataclass(frozen=True)
class Unread:
    """A part that can't be read; the others are."""

    reason: str


Part = Text | Member | Unread
Parts = Iterator[Part]


class Metered:
    """A stream of unpacked bytes that are counted against the bounds."""

    def __init__(self, content: BinaryIO, budget: Budget) -> None:
        self._content = content
        self._budget = budget

    def read(self, n: int = -1) -> bytes:
        """Return up to ``n`` bytes, at most a step at once; ``UnreadError`` where damaged."""
        try:
            data = self._content.read(STEP if n < 0 else min(n, STEP))
        except UnreadError:
            raise
        except Exception as error:  # each library has its own
            raise UnreadError(f"damaged: {error or type(error).__name__}") from error
        self._budget.spend(len(data))
        return data
