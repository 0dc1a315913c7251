"""Support of a claim by a source text: facts, words and meaning."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.descriptors.stop_words import WORDS
from retrain.evaluation.metrics.claims import addresses, numbers
from retrain.evaluation.metrics.tokens import normalise, tokens

#: Minimum share of a claim's content words in the source.
LEXICAL_SUPPORT = 0.5
#: Minimum cosine with a sentence of the source.
EMBEDDING_SUPPORT = 0.65
#: Words with this many initial characters in common share a stem: "refunded", "refunds".
COMMON_STEM = 5

_STOP_WORDS = frozenset(word for words in WORDS.values() for word in words.split())
_DIGIT = re.compile(r"\d")
_SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？؟।])|\n+")  # noqa: RUF001


class SentenceEncoder(Protocol):
    """An encoder of texts as unit-norm vectors."""

    def encode(self, texts: Sequence[str]) -> NDArray[Any]:
        """Return embeddings, ``[n, d]``."""
        ...


@dataclass(frozen=True)
class GivenText:
    """The source text of an item: its context and messages."""

    text: str

    @cached_property
    def sentences(self) -> list[str]:
        """Sentences of the source."""
        return [single for part in _SENTENCES.split(self.text) if (single := part.strip())]

    def missing_codes(self, claim: str) -> list[str]:
        """Return the addresses and codes of a claim missing in the source."""
        missing = [
            address for address in sorted(addresses(claim)) if address not in self._addresses
        ]
        codes = numbers(_without(claim, addresses(claim))) - self._numbers
        return missing + sorted(code for (code, *_) in codes if not code[0].isdigit())

    def share_of_words(self, claim: str) -> float:
        """Return the share of a claim's content words in the source; 1 without content words.

        Numbers, codes and addresses are facts, not words. Words are equal if their first
        :data:`COMMON_STEM` characters are. In scripts without spaces, pairs of neighbouring
        characters replace words.
        """
        wanted = _content(_without(claim, addresses(claim)))
        return sum(entry in self._words for entry in wanted) / len(wanted) if wanted else 1.0

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(_units(self.text))

    @cached_property
    def _numbers(self) -> set[tuple[str, ...]]:
        return numbers(self.text)

    @cached_property
    def _addresses(self) -> set[str]:
        return addresses(self.text)


def nearest_cosines(
    claims: Sequence[str], sources: Sequence[GivenText], encoder: SentenceEncoder
) -> NDArray[np.float64]:
    """Return each claim's largest cosine with a sentence of its own source, ``[n]``."""
    texts = dict.fromkeys(claims)
    for source in sources:
        texts.update(dict.fromkeys(source.sentences))
    row = {text: number for number, text in enumerate(texts)}
    vectors = np.asarray(encoder.encode(list(texts)), dtype=np.float32)
    return np.array(
        [
            max((vectors[[row[s] for s in source.sentences]] @ vectors[row[claim]]), default=-1.0)
            for claim, source in zip(claims, sources, strict=True)
        ],
        dtype=np.float64,
    )


def content_units(text: str) -> list[str]:
    """Return the stems of a text's content words, or pairs of characters without spaces."""
    return [unit for unit in _units(text) if unit not in _STOPPED]


def _content(text: str) -> list[str]:
    return [unit for unit in content_units(text) if not _DIGIT.search(unit)]


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


def _without(text: str, removed: set[str]) -> str:
    for entry in removed:
        text = re.sub(re.escape(entry), " ", text, flags=re.IGNORECASE)
    return text


_STOPPED = frozenset(_stem(normalise(word)) for word in _STOP_WORDS)
