"""Near pairs of embeddings, searched in blocks instead of an n x n matrix."""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: Rows and columns of a block: 32 MiB of float32.
BLOCK, CHUNK = 512, 16_384
#: Words that a sentence encoder reads; the rest of a longer text is ignored.
SEEN_WORDS = 150
#: Minimum Jaccard similarity of five-word phrases for two longer texts.
SHARED_PHRASES = 0.5
PHRASE = 5

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class SentenceEncoder(Protocol):
    """An encoder of sentences with unit-norm embeddings."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit embeddings ``[n, d]``."""


class CachingEncoder:
    """An encoder that encodes each text once."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    @classmethod
    def of(cls, encoder: SentenceEncoder) -> "CachingEncoder":
        """Return an encoder itself where it keeps its embeddings, else one that does."""
        return encoder if isinstance(encoder, cls) else cls(encoder)

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

    Both are unit embeddings, ``[n, d]`` and ``[m, d]``; the threshold is in (0, 1].
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
    """Return whether two texts with near embeddings also agree in their numbers and endings.

    Numbers must be equal. Long texts must share phrases, because encoders read only the beginning.
    """
    if numbers_of(first) != numbers_of(second):
        return False
    words, other_words = first.casefold().split(), second.casefold().split()
    if max(len(words), len(other_words)) <= SEEN_WORDS:
        return True
    phrases, other_phrases = phrases_of(words, PHRASE), phrases_of(other_words, PHRASE)
    shared = len(phrases & other_phrases)
    return shared >= SHARED_PHRASES * len(phrases | other_phrases)


def numbers_of(text: str) -> list[str]:
    """Return the numbers of a text in their order."""
    return _NUMBER.findall(text)


def phrases_of(words: Sequence[str], n: int) -> set[tuple[str, ...]]:
    """Return the phrases of ``n`` successive words."""
    return set(zip(*(words[start:] for start in range(n)), strict=False))
