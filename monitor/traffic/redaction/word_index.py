"""Positions of the words of all detectors in a text, positions in one pass."""

from collections.abc import Iterator

import numpy as np

#: The words of all detectors; filled as their modules are imported.
_WORDS: set[bytes] = set()
#: Bytes of a word that are looked up.
N_BYTES = 3
#: In a shorter text a search for each word takes less.
MIN_BYTES = 400
#: Multipliers of the hash of three bytes, modulo 2 ** 16.
FIRST, SECOND = np.uint16(40503), np.uint16(7919)


def needles(words: str) -> tuple[bytes, ...]:
    """Return words for :meth:`~monitor.traffic.redaction.text_scan.TextScan.places_of`."""
    encoded = tuple(word.encode() for word in words.split())
    _WORDS.update(encoded)
    WordIndex.current = None
    return encoded


class WordIndex:
    """Table that tells where a word may begin, by the hash of three bytes."""

    #: The index of all words; ``None`` until it is used.
    current: "WordIndex | None" = None

    def __init__(self) -> None:
        self._starts = np.zeros(1 << 16, dtype=bool)
        for word in _WORDS:
            if len(word) >= N_BYTES:
                self._starts[_hashes(np.frombuffer(word[:N_BYTES], np.uint8))] = True

    @classmethod
    def of_all_words(cls) -> "WordIndex":
        """Return the index of the words of all detectors."""
        if cls.current is None:
            cls.current = cls()
        return cls.current

    def starts(self, lower: bytes) -> dict[bytes, list[int]]:
        """Return the ascending positions of the three bytes with which words begin."""
        positions: dict[bytes, list[int]] = {}
        hashes = _hashes(np.frombuffer(lower, np.uint8))
        for place in np.flatnonzero(self._starts.take(hashes)).tolist():
            positions.setdefault(lower[place : place + N_BYTES], []).append(place)
        return positions


def places_of_word(lower: bytes, word: bytes, starts: dict[bytes, list[int]]) -> Iterator[int]:
    """Yield the positions of a word, which don't overlap, with :meth:`WordIndex.starts`."""
    if len(word) < N_BYTES:
        yield from places_in(lower, word)
        return
    free = 0
    for place in starts.get(word[:N_BYTES], ()):
        if place >= free and lower.startswith(word, place):
            free = place + len(word)
            yield place


def _hashes(text: np.ndarray) -> np.ndarray:
    """Return the hash of each three bytes in a row."""
    wide = text.astype(np.uint16)
    return (wide[:-2] << np.uint16(8)) * FIRST + wide[1:-1] * SECOND + wide[2:]


def places_in(lower: bytes, word: bytes) -> Iterator[int]:
    """Yield the positions of one word, which don't overlap."""
    place = lower.find(word)
    while place >= 0:
        yield place
        place = lower.find(word, place + len(word))
