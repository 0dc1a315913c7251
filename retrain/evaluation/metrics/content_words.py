"""Stems of the content words of a text."""

from itertools import pairwise

from monitor.descriptors.stop_words import WORDS
from retrain.evaluation.metrics.tokens import normalise, tokens

#: Words with this many initial characters in common share a stem: "refunded", "refunds".
COMMON_STEM = 5


def content_units(text: str) -> list[str]:
    """Return the stems of a text's content words, or pairs of characters without spaces."""
    return [unit for unit in _units(text) if unit not in _STOPPED]


def _units(text: str) -> list[str]:
    """Return word stems, or pairs of characters in scripts without spaces."""
    words = tokens(text)
    matches = [_stem(word) for word in words]
    for first, second in pairwise(words):
        if len(first) == len(second) == 1 and not first.isascii() and not second.isascii():
            matches.append(first + second)
    return matches


def _stem(word: str) -> str:
    return word[:COMMON_STEM]


_STOPPED = frozenset(_stem(normalise(word)) for words in WORDS.values() for word in words.split())
