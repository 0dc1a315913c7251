"""Kinds of characters, and their runs: words, numbers, spaces and signs."""

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

#: Characters of a text that a descriptor reads; the rest would only cost time.
MAX_CHARACTERS = 20_000

#: Kinds of characters. Accents, vowel signs and apostrophes are part of a word.
SPACE, ALPHABETIC, SYLLABLE, DIGIT, SIGN = range(5)

#: Scripts whose letters are syllables or words, or that put no space between words: Thai and Lao,
#: Myanmar, Khmer, kana, ideographs, Hangul.
_SYLLABLES = (
    *((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x4DBF)),
    *((0x4E00, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF)),
)
_APOSTROPHES = "'’"  # noqa: RUF001


@dataclass(frozen=True)
class Runs:
    """Runs of characters of one kind, in order; arrays ``[r]``."""

    kind: NDArray[np.uint8]
    start: NDArray[np.int64]
    length: NDArray[np.int64]


def code_units(text: str) -> NDArray[np.uint16]:
    """Return the UTF-16 code units, ``[n]``; a character beyond the basic plane is two signs."""
    return np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype="<u2")


def kinds(text: str) -> NDArray[np.uint8]:
    """Return the kind of each code unit, ``[n]``."""
    kind: NDArray[np.uint8] = _table()[code_units(text)]
    return kind


def find_runs(kind: NDArray[np.uint8]) -> Runs:
    """Return the runs of equal kinds.

    Example:
        >>> runs = find_runs(kinds("No 42."))
        >>> runs.kind.tolist(), runs.length.tolist()
        ([1, 0, 3, 4], [2, 1, 2, 1])
    """
    changes = np.flatnonzero(kind[1:] != kind[:-1]) + 1
    start = np.concatenate([[0], changes]) if len(kind) else changes
    return Runs(kind[start], start, np.diff(start, append=len(kind)))


@cache
def _table() -> NDArray[np.uint8]:
    table = np.full(1 << 16, SIGN, dtype=np.uint8)
    for code in range(1 << 16):
        character = chr(code)
        category = unicodedata.category(character)
        if character.isspace():
            table[code] = SPACE
        elif category[0] in "LM" or character in _APOSTROPHES:
            table[code] = ALPHABETIC
        elif category[0] == "N":
            table[code] = DIGIT
    for first, last in _SYLLABLES:
        block = table[first : last + 1]
        block[block == ALPHABETIC] = SYLLABLE
    return table
