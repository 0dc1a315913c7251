"""Readability by LIX, a measure that is independent of the language."""

import numpy as np
from numpy.typing import NDArray

from monitor.descriptors.characters import (
    ALPHABETIC,
    MAX_CHARACTERS,
    SPACE,
    code_units,
    find_runs,
    kinds,
)

#: Fewer words are a label or a phrase, which has no readability.
MIN_WORDS = 20
LONG_WORD = 7


def _marks(signs: str) -> NDArray[np.bool_]:
    table = np.zeros(1 << 16, dtype=bool)
    table[[ord(sign) for sign in signs]] = True
    return table


_FULL_STOP = _marks(".!?…:।؟۔։።")  # noqa: RUF001
_CLOSING = _marks("\"'”’»)]*_")  # noqa: RUF001
_NEW_LINE = _marks("\n\r\x0b\x0c\x85\u2028\u2029")


def lix(text: str) -> float:
    """Return LIX: words per sentence plus the percentage of words of seven letters or more.

    About 25 is a children's book, 40 a newspaper, 60 a statute (Björnsson, Läsbarhet, 1968). Levels
    of different languages aren't comparable. A sentence ends with a full stop or colon before a
    space, or with its line. NaN for fewer than :data:`MIN_WORDS` words, and for scripts without
    spaces between words or with syllabic characters.

    Example:
        >>> lix("The bank checks every transfer before it leaves the house. " * 3)
        20.0
    """
    head = text[:MAX_CHARACTERS].strip()
    if len(head) < 2 * MIN_WORDS - 1:
        return float("nan")
    kind = kinds(head)
    runs = find_runs(kind)
    words = runs.length[runs.kind == ALPHABETIC]
    if len(words) < MIN_WORDS:
        return float("nan")
    gaps = runs.start[runs.kind == SPACE]
    units = code_units(head)
    before, earlier = units[gaps - 1], units[gaps - 2]
    ends = _FULL_STOP[before] | (_CLOSING[before] & _FULL_STOP[earlier])
    ends |= np.logical_or.reduceat(_NEW_LINE[units], runs.start)[runs.kind == SPACE]
    n_sentences = 1 + int(ends.sum())
    return len(words) / n_sentences + 100.0 * float(np.mean(words >= LONG_WORD))
