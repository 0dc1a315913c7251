"""Repetition: how much of a text stood before in it, and whether it ends in a loop."""

import zlib
from collections.abc import Sequence

from monitor.descriptors.characters import MAX_CHARACTERS

#: A text of fewer bytes says nothing about repetition.
SHORTEST_REPEATING = 100

#: Words that make a phrase; characters, where nothing parts words.
PHRASE = 4
#: Characters a word, above which nothing does.
_UNPARTED = 20

#: Characters at the end that a loop fills, how often it goes round in them, and how long its piece
#: may be.
LOOP_CHARACTERS = 100
LOOP_ROUNDS = 4
LONGEST_PIECE = 1_000
_MARK = 20


def compressible(text: str) -> float:
    """Return the share of the text that repeats what stood before, by compression, in [0, 1].

    One minus the ratio of the sizes by DEFLATE (RFC 1951), which finds what stood up to 32 KiB
    before. Prose of a few sentences has about 0.3, an answer caught in a loop 0.9 and more.
    """
    encoded = text[:MAX_CHARACTERS].encode("utf-8", "replace")
    if len(encoded) < SHORTEST_REPEATING:
        return 0.0
    return max(0.0, 1.0 - len(zlib.compress(encoded, 6)) / len(encoded))


def repeated_phrases(text: str) -> float:
    """Return the share of the phrases of four words that stood before, in [0, 1].

    ``seq-rep-4`` of Welleck et al., ICLR 2020 (arXiv 1908.04319), on words where spaces part them,
    else on characters. Prose has about 0.02.
    """
    head = text[:MAX_CHARACTERS]
    units: Sequence[str] = head.split()
    if len(head) > _UNPARTED * len(units):
        units = "".join(units)
    n = len(units) - PHRASE + 1
    if n < 1:
        return 0.0
    return 1.0 - len(set(zip(*(units[start:] for start in range(PHRASE)), strict=False))) / n


def loop(text: str) -> float:
    """Return whether the text ends in one piece that goes round and round.

    The piece holds a letter or a digit, so that a line of dashes is none. A loop that counts while
    it goes round is none either, but shows in :func:`repeated_phrases`.
    """
    head = text[-LONGEST_PIECE * LOOP_ROUNDS :].rstrip()
    period = len(head) - _MARK - head.rfind(head[-_MARK:], 0, len(head) - 1)
    filled = max(period * LOOP_ROUNDS, LOOP_CHARACTERS)
    if len(head) < filled:
        return 0.0
    end = head[-filled:]
    goes_round = end[period:] == end[:-period]
    return float(goes_round and any(character.isalnum() for character in end[:period]))
