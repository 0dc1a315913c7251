"""Fast scan of a text, shared by the detectors.

Most texts hold no personal data; to rule it out costs microseconds.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Span:
    """Personal data in a text: ``text[start:end]`` is of the kind."""

    start: int
    end: int
    kind: str


#: Range of characters in a text: ``[start, end)``.
Place = tuple[int, int]

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
#: Country and check digits of an IBAN.
COUNTRY = b"aa00"
#: A local phone number has seven digits; IBANs, cards and social security numbers have more.
LONG_NUMBER = b"0" * 7
#: No key is shorter.
LONG_TOKEN = b"x" * 16

#: Arabic, Persian, Devanagari and fullwidth digits -> Latin digits.
OTHER_DIGITS = {
    first + value: 0x30 + value for first in (0x660, 0x6F0, 0x966, 0xFF10) for value in range(10)
}
OTHER_DIGIT = re.compile(f"[{''.join(map(chr, OTHER_DIGITS))}]")


class TextScan:
    """A scanned text.

    Attributes:
        text: The text.
        raw: The text in UTF-8.
        has_digit: Whether there is a digit.
        has_long_number: Whether there are seven digits in a row, separators aside.
    """

    __slots__ = ("has_digit", "has_long_number", "raw", "text")

    def __init__(self, text: str) -> None:
        """Scan a text; digits of other scripts count as Latin digits."""
        if not text.isascii() and OTHER_DIGIT.search(text):
            text = text.translate(OTHER_DIGITS)
        self.text = text
        self.raw = text.encode("utf-8", "surrogatepass")
        numbers = self.raw.translate(TO_ZERO, SEPARATORS)
        self.has_digit = b"0" in numbers
        self.has_long_number = self.has_digit and LONG_NUMBER in numbers

    def long_tokens(self) -> Iterable[Place]:
        """Return the ranges of 16 or more ASCII alphanumerics, ``_`` and ``-`` in a row."""
        marked = self.raw.translate(TO_X)
        start = marked.find(LONG_TOKEN)
        if start < 0:
            return ()
        runs: list[Place] = []
        while start >= 0:
            end = marked.find(b" ", start)
            end = len(marked) if end < 0 else end
            runs.append((start, end))
            start = marked.find(LONG_TOKEN, end)
        firsts = self._characters(run[0] for run in runs)
        return [
            (first, first + end - start) for first, (start, end) in zip(firsts, runs, strict=True)
        ]

    def countries(self) -> Iterator[int]:
        """Yield the positions of country codes followed by two digits."""
        return self._characters(_places(self.raw.translate(TO_CLASS), COUNTRY))

    def places_of(self, needles: Iterable[bytes]) -> Iterator[int]:
        """Yield the positions of lower-case words, ignoring case in the text."""
        lower = self.raw.lower()
        return self._characters(sorted(place for word in needles for place in _places(lower, word)))

    def _characters(self, places: Iterable[int]) -> Iterator[int]:
        """Yield positions in the text for ascending positions in the bytes."""
        if len(self.raw) == len(self.text):
            yield from places
            return
        byte = character = 0
        for place in places:
            character += len(self.raw[byte:place].decode("utf-8", "surrogatepass"))
            byte = place
            yield character


def text_before(text: str, place: int, n_characters: int) -> str:
    """Return the text before a position, back to the last redaction."""
    return text[max(0, place - n_characters) : place].rpartition("]")[2]


def _places(raw: bytes, needle: bytes) -> Iterator[int]:
    place = raw.find(needle)
    while place >= 0:
        yield place
        place = raw.find(needle, place + len(needle))
