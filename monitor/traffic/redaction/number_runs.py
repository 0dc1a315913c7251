"""Runs of digits with separators, in which numbers are searched."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from monitor.traffic.redaction.text_scan import TextScan

NUMBERS = re.compile(r"[0-9](?:[ ./()-]{0,3}[0-9]){6,400}")
SEPARATORS = " ./()-"
OF_SEPARATORS = SEPARATORS.encode()
MIN_DIGITS, MAX_DIGITS = 7, 401
#: So many separators in a row divide numbers.
MIN_GAP = 4
#: A date with separators, which is no number of anybody.
DATE = re.compile(
    r"(?:(?:19|20)[0-9]{2}([./-])[01][0-9]\1[0-3][0-9]"
    r"|[0-3][0-9]([./-])[01][0-9]\2(?:19|20)[0-9]{2})"
)
DATE_CHARACTERS = len("0000-00-00")
#: With these in front, the digits of a date may be a telephone number.
OF_PHONES = frozenset("+(")


class Number(NamedTuple):
    """A run of digits and separators: ``text[start:end]``."""

    start: int
    end: int
    n_digits: int


def find_numbers(scan: TextScan) -> Iterator[Number]:
    """Yield each run; dates are left out."""
    text = scan.text
    for first, end in scan.numbers():
        run = text[first:end]
        number = run.strip(SEPARATORS)
        if len(number) < MIN_DIGITS:
            continue
        start = first + run.index(number)
        is_date = len(number) == DATE_CHARACTERS and DATE.fullmatch(number)
        if is_date and text[start - 1 : start] not in OF_PHONES:
            continue
        n_digits = len(number.encode().translate(None, OF_SEPARATORS))
        if n_digits < MIN_DIGITS:
            continue
        if n_digits <= MAX_DIGITS and len(number) - n_digits < MIN_GAP:
            yield Number(start, start + len(number), n_digits)
            continue
        for match in NUMBERS.finditer(text, start, end):
            yield Number(*match.span(), len(match[0].encode().translate(None, OF_SEPARATORS)))
