"""Fast scan of a text, shared by the detectors.

Most texts hold no personal data; to rule it out costs microseconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from monitor.traffic.redaction.any_case import Cases
from monitor.traffic.redaction.word_index import WordIndex, Words, places_in


class Span(NamedTuple):
    """Personal data in a text: ``text[start:end]`` is of the kind."""

    start: int
    end: int
    kind: str


#: Range of characters in a text: ``[start, end)``.
Place = tuple[int, int]

#: A line break inside a value: wrapped, quoted-printable, quoted, or escaped in JSON.
LINE_BREAK = r"[ \t]{0,4}=?(?:\r?\n|(?:\\{1,8}r)?\\{1,8}n)[ \t]{0,8}(?:> ?)?"

#: Separators inside numbers, deleted to measure a number. The last five bytes are the no-break
#: space and the en dash in UTF-8.
SEPARATORS = b" .-/()\xc2\xa0\xe2\x80\x93"
TO_ZERO = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
TO_X = bytes(
    0x78 if chr(byte).isascii() and (chr(byte).isalnum() or byte in b"_-") else 0x20
    for byte in range(256)
)
TO_CLASS = bytes(
    0x30 if 0x30 <= byte <= 0x39 else 0x61 if chr(byte).isascii() and chr(byte).isalpha() else 0x20
    for byte in range(256)
)
#: Digits, and the separators of :data:`~monitor.traffic.redaction.number_runs.NUMBERS`.
TO_NUMBER = bytes(0x30 if byte in b"0123456789 ./()-" else 0x20 for byte in range(256))
#: Country and check digits of an IBAN.
COUNTRY = b"aa00"
#: A local phone number has seven digits; IBANs, cards and social security numbers have more.
LONG_NUMBER = b"0" * 7
#: No key is shorter.
LONG_TOKEN = b"x" * 16

#: No words.
NONE = Words()


class TextScan:
    """A scanned text.

    ``raw`` is the text in UTF-8. Three digits, six, and the seven of a long number are in a row,
    separators aside.
    """

    def __init__(self, text: str) -> None:
        """Scan a normalised text."""
        self.text = text
        self.raw = text.encode("utf-8", "surrogatepass")
        self._is_ascii = len(self.raw) == len(text)
        #: One byte for each character, those of other scripts as ``?``.
        self._narrow = self.raw if self._is_ascii else text.encode("ascii", "replace")
        self._lower = self.raw.lower()
        index = WordIndex.of_all_words()
        self._starts = index.starts(self._lower)
        #: A word of a detector may be in the text.
        self.has_words = bool(self._starts) or any(map(self._lower.__contains__, index.words.short))
        numbers = self.raw.translate(TO_ZERO, SEPARATORS)
        self.has_digit = b"0" in numbers
        self.has_three_digits = self.has_digit and LONG_NUMBER[:3] in numbers
        self.has_six_digits = self.has_digit and LONG_NUMBER[:6] in numbers
        self.has_long_number = self.has_six_digits and LONG_NUMBER in numbers

    def long_tokens(self) -> Iterable[Place]:
        """Return the ranges of 16 or more ASCII alphanumerics, ``_`` and ``-`` in a row."""
        return _runs(self._narrow.translate(TO_X), LONG_TOKEN)

    def numbers(self) -> list[Place]:
        """Return the ranges of seven or more digits and separators in a row."""
        return _runs(self._narrow.translate(TO_NUMBER), LONG_NUMBER)

    def countries(self) -> Iterator[int]:
        """Yield the positions of country codes followed by two digits."""
        return places_in(self.classes, COUNTRY)

    def tokens_with_digits(self) -> list[Place]:
        """Return the ranges of ASCII letters and digits in a row that have both."""
        marked = self.classes
        runs: list[Place] = []
        end = 0
        for place in sorted([*places_in(marked, b"a0"), *places_in(marked, b"0a")]):
            if place >= end:
                end = marked.find(b" ", place)
                end = len(marked) if end < 0 else end
                runs.append((marked.rfind(b" ", 0, place) + 1, end))
        return runs

    def places_of(self, words: Words, of_other_scripts: Words = NONE) -> Sequence[int]:
        """Return the ascending positions of lower-case words, ignoring case in the text.

        ``words`` are in ASCII, those of other scripts as they are written.
        """
        places = list(words.places(self._lower, self._starts))
        if not self._is_ascii:
            places += of_other_scripts.places(self._lower, self._starts)
        return self._characters(sorted(places))

    @cached_property
    def cases(self) -> Cases:
        """The text for patterns that ignore case."""
        return Cases(self.text)

    @cached_property
    def classes(self) -> bytes:
        """A byte for each character: ``0`` for digits, ``a`` for A to Z, or a space."""
        return self._narrow.translate(TO_CLASS)

    def joined_classes(self, separators: bytes) -> bytes:
        """Return the classes of the characters that are no separators."""
        return self._narrow.translate(TO_CLASS, separators)

    def places_by(self, index: WordIndex) -> list[tuple[int, bytes]]:
        """Return the ascending positions of the words of another index, each with its word."""
        matches = index.matches(self._lower)
        places = self._characters([place for place, _ in matches])
        return [(place, word) for place, (_, word) in zip(places, matches, strict=True)]

    def _characters(self, places: list[int]) -> Sequence[int]:
        """Return positions in the text for ascending positions in the bytes."""
        if self._is_ascii or not places:
            return places
        return self._numbers_of_characters.take(places).tolist()  # type: ignore[no-any-return]

    @cached_property
    def _numbers_of_characters(self) -> np.ndarray:
        """The position of each byte's character."""
        is_first = (np.frombuffer(self.raw, np.uint8) & 0xC0) != 0x80
        return np.cumsum(is_first) - 1


def _runs(marked: bytes, beginning: bytes) -> list[Place]:
    """Return the ranges of the marked bytes in a row that start with ``beginning``."""
    start = marked.find(beginning)
    runs: list[Place] = []
    while start >= 0:
        end = marked.find(b" ", start)
        end = len(marked) if end < 0 else end
        runs.append((start, end))
        start = marked.find(beginning, end)
    return runs


def fold(text: str) -> str:
    """Return a text in lower case, with i for a dotted or dotless one, as patterns read it."""
    lower = text.lower()
    return lower if lower.isascii() else lower.replace("i\u0307", "i").replace("\u0131", "i")


class Listed(NamedTuple):
    """Words in lower case, of which those in other scripts are looked for in their texts only."""

    of_ascii: tuple[str, ...]
    of_other_scripts: tuple[str, ...]


def listed(words: str) -> Listed:
    """Return words that are divided by spaces, with ``_`` for a space in one."""
    each = [word.replace("_", " ") for word in words.split()]
    return Listed(
        tuple(word for word in each if word.isascii()),
        tuple(word for word in each if not word.isascii()),
    )


def has_any(text: str, words: Listed) -> bool:
    """Return whether a text has one of the words, in any case."""
    lower = fold(text)
    return any(map(lower.__contains__, words.of_ascii)) or (
        not lower.isascii() and any(map(lower.__contains__, words.of_other_scripts))
    )


def text_before(text: str, place: int, n_characters: int) -> str:
    """Return the text before a position, back to the last redaction."""
    return text[max(0, place - n_characters) : place].rpartition("]")[2]


#: Separators of the fields of a table.
FIELD_MARKS = frozenset(",;\t|")
#: Characters before a number in which the first line may be a header.
TABLE_CHARACTERS = 2_000
MAX_HEADER_CHARACTERS = 200


def words_near(text: str, start: int, end: int, before: int, after: int = 0) -> str:
    """Return what may name a number: the text around it, and the header of its table."""
    nearby = text_before(text, start, before)
    if after:
        nearby += " " + text[end : end + after]
    is_field = 0 < start <= TABLE_CHARACTERS and text[start - 1] in FIELD_MARKS
    line_end = text.find("\n", 0, min(start, MAX_HEADER_CHARACTERS)) if is_field else -1
    return nearby if line_end < 0 else f"{text[:line_end]} {nearby}"
