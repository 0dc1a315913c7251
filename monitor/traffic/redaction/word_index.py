"""Positions of the words of all detectors in a text, positions in one pass."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import AnyStr

import numpy as np

#: The words of all detectors; filled as their modules are imported.
_WORDS: set[bytes] = set()
#: Bytes of a word that are looked up.
N_BYTES = 3
#: In a shorter text a lookup of each three bytes takes less than an array.
MIN_BYTES = 200
#: Of a long text so much is hashed at once, in the cache of the processor.
BLOCK_BYTES = 1 << 16
#: Multipliers of the hash of three bytes, modulo 2 ** 16.
FIRST, SECOND = np.uint16(14080), np.uint16(7919)


class Words(tuple[bytes, ...]):
    """Words of a detector, also by their first three bytes."""

    @cached_property
    def by_beginning(self) -> dict[bytes, list[bytes]]:
        """The words of three bytes and more by the first three."""
        grouped: dict[bytes, list[bytes]] = {}
        for word in self:
            if len(word) >= N_BYTES:
                grouped.setdefault(word[:N_BYTES], []).append(word)
        return grouped

    @cached_property
    def short(self) -> list[bytes]:
        """The words of fewer than three bytes."""
        return [word for word in self if len(word) < N_BYTES]

    def places(self, lower: bytes, starts: dict[bytes, list[int]]) -> Iterator[int]:
        """Yield the positions of each word in turn, without overlap, by the text's ``starts``."""
        for beginning in self.by_beginning.keys() & starts.keys():
            for word in self.by_beginning[beginning]:
                yield from _places_of_word(lower, word, starts[beginning])
        for word in self.short:
            yield from places_in(lower, word)


def needles(words: str) -> Words:
    """Return words for :meth:`~monitor.traffic.redaction.text_scan.TextScan.places_of`."""
    encoded = Words(word.encode() for word in words.split())
    _WORDS.update(encoded)
    WordIndex.current = None
    return encoded


class WordIndex:
    """Table that tells where one of some words may begin, by the hash of three bytes."""

    #: The index of all words; ``None`` until it is used.
    current: "WordIndex | None" = None

    def __init__(self, words: Iterable[bytes]) -> None:
        self.words = Words(words)
        self._beginnings = frozenset(self.words.by_beginning)
        self._starts = np.zeros(1 << 16, dtype=bool)
        for beginning in self._beginnings:
            self._starts[_hashes(np.frombuffer(beginning, np.uint8))] = True

    @classmethod
    def of_all_words(cls) -> "WordIndex":
        """Return the index of the words of all detectors."""
        if cls.current is None:
            cls.current = cls(_WORDS)
        return cls.current

    def starts(self, lower: bytes) -> dict[bytes, list[int]]:
        """Return the ascending positions of the three bytes with which words begin."""
        positions: dict[bytes, list[int]] = {}
        if len(lower) < MIN_BYTES:
            for place in range(len(lower) - N_BYTES + 1):
                three = lower[place : place + N_BYTES]
                if three in self._beginnings:
                    positions.setdefault(three, []).append(place)
            return positions
        whole = np.frombuffer(lower, np.uint8)
        for first in range(0, len(lower) - N_BYTES + 1, BLOCK_BYTES):
            hashes = _hashes(whole[first : first + BLOCK_BYTES + N_BYTES - 1])
            for place in (self._starts.take(hashes).nonzero()[0] + first).tolist():
                positions.setdefault(lower[place : place + N_BYTES], []).append(place)
        return positions

    def matches(self, lower: bytes) -> list[tuple[int, bytes]]:
        """Return the ascending positions of words in lower case, each with its word."""
        pairs = [
            (place, word)
            for beginning, places in self.starts(lower).items()
            for word in self.words.by_beginning.get(beginning, ())
            for place in places
            if lower.startswith(word, place)
        ]
        pairs += [(place, word) for word in self.words.short for place in places_in(lower, word)]
        return sorted(pairs)


def _places_of_word(lower: bytes, word: bytes, starts: list[int]) -> Iterator[int]:
    free = 0
    for place in starts:
        if place >= free and lower.startswith(word, place):
            free = place + len(word)
            yield place


def _hashes(text: np.ndarray) -> np.ndarray:
    """Return the hash of each three bytes in a row."""
    wide = text.astype(np.uint16)
    return wide[:-2] * FIRST + wide[1:-1] * SECOND + wide[2:]


def places_in(lower: AnyStr, word: AnyStr) -> Iterator[int]:
    """Yield the positions of one word, which don't overlap."""
    place = lower.find(word)
    while place >= 0:
        yield place
        place = lower.find(word, place + len(word))
