"""Near pairs by embeddings, in blocks: an n x n matrix is never built."""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: Rows compared at once, against so many others: 32 MiB of float32.
BLOCK, CHUNK = 512, 16_384
#: Encoders of sentences read about so many words; of a longer text they see the beginning.
SEEN_WORDS = 150
#: A text that an encoder doesn't see whole is near another one if they share so much of their
#: phrases of five words (Jaccard).
SHARED_PHRASES = 0.5
PHRASE = 5

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class SentenceEncoder(Protocol):
    """An encoder of sentences with unit-norm embeddings."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit embeddings ``[n, d]``."""
        ...


class CachingEncoder:
    """An encoder that encodes no text twice."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit embeddings ``[n, d]``."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def near_pairs(
    rows: NDArray[np.float32], columns: NDArray[np.float32], threshold: float
) -> Iterator[tuple[int, int]]:
    """Yield the pairs ``(i, j)`` whose cosine is at least ``threshold``, by row.

    Args:
        rows: Unit embeddings ``[n, d]``.
        columns: Unit embeddings ``[m, d]``.
        threshold: Cosine in (0, 1].
    """
    for first in range(0, len(rows), BLOCK):
        block = rows[first : first + BLOCK]
        matches = []
        for start in range(0, len(columns), CHUNK):
            i, j = np.nonzero(block @ columns[start : start + CHUNK].T >= threshold)
            matches.append(np.stack([i + first, j + start], axis=1))
        if matches:
            pairs = np.concatenate(matches)
            for i, j in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]:
                yield int(i), int(j)


def texts_agree(first: str, second: str) -> bool:
    """Return whether two texts of near embeddings are near in what embeddings don't see.

    That is their numbers, which must be the same, and of long texts what follows the beginning.
    """
    if _NUMBER.findall(first) != _NUMBER.findall(second):
        return False
    words, other_words = first.casefold().split(), second.casefold().split()
    if max(len(words), len(other_words)) <= SEEN_WORDS:
        return True
    phrases, other_phrases = phrases_of(words, PHRASE), phrases_of(other_words, PHRASE)
    shared = len(phrases & other_phrases)
    return shared >= SHARED_PHRASES * len(phrases | other_phrases)


def phrases_of(words: Sequence[str], n: int) -> set[tuple[str, ...]]:
    """Return the phrases of ``n`` successive words."""
    return set(zip(*(words[start:] for start in range(n)), strict=False))
