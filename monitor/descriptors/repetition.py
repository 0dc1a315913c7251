"""Descriptors of repetition: compressibility, repeated phrases, loops."""

import zlib
from collections.abc import Sequence

from monitor.descriptors.characters import MAX_CHARACTERS

#: A text of fewer bytes is too short for a compression ratio.
MIN_BYTES = 100

#: Words of a phrase, or characters where no spaces separate words.
PHRASE = 4
#: A text with more characters for each space has no spaces between words.
_UNSPACED = 20

#: The least length of a loop at the end of a text, its least number of rounds, and the greatest
#: length of the piece that repeats.
LOOP_CHARACTERS = 100
LOOP_ROUNDS = 4
MAX_PIECE_CHARACTERS = 1_000
_MARK = 20


def compressible(text: str) -> float:
    """Return the share of the text that compression removes, in [0, 1].

    One minus the compression ratio of DEFLATE (RFC 1951), which finds repetitions within 32 KiB.
    A few sentences of prose have about 0.3, a response caught in a loop 0.9 and more.
    """
    encoded = text[:MAX_CHARACTERS].encode("utf-8", "replace")
    if len(encoded) < MIN_BYTES:
        return 0.0
    return max(0.0, 1.0 - len(zlib.compress(encoded, 6)) / len(encoded))


def repeated_phrases(text: str) -> float:
    """Return the share of four-word phrases that occurred before in the text, in [0, 1].

    ``seq-rep-4`` of Welleck et al., ICLR 2020 (arXiv 1908.04319), on words where spaces separate
    them, else on characters. Prose has about 0.02.
    """
    head = text[:MAX_CHARACTERS]
    units: Sequence[str] = head.split()
    if len(head) > _UNSPACED * len(units):
        units = "".join(units)
    n = len(units) - PHRASE + 1
    if n < 1:
        return 0.0
    return 1.0 - len(set(zip(*(units[start:] for start in range(PHRASE)), strict=False))) / n


def loop(text: str) -> float:
    """Return whether the text ends in a piece that repeats without change.

    The piece contains a letter or a digit, so that a line of dashes is no loop. A loop that counts
    upwards isn't one either, but raises :func:`repeated_phrases`.
    """
    head = text[-MAX_PIECE_CHARACTERS * LOOP_ROUNDS :].rstrip()
    period = len(head) - _MARK - head.rfind(head[-_MARK:], 0, len(head) - 1)
    filled = max(period * LOOP_ROUNDS, LOOP_CHARACTERS)
    if len(head) < filled:
        return 0.0
    end = head[-filled:]
    repeats = end[period:] == end[:-period]
    return float(repeats and any(character.isalnum() for character in end[:period]))
