"""Hallucination against an item's context, by a rule.

The metric applies to items with a context. It splits a response into claims (sentences). The source
of an item is its context and messages. A claim is supported if

1. the source contains each of its numbers, dates, codes, addresses and names, and
2. the source contains at least
   :data:`~retrain.evaluation.metrics.support.LEXICAL_SUPPORT` of its content words, or has a
   sentence with a cosine of at least
   :data:`~retrain.evaluation.metrics.support.EMBEDDING_SUPPORT` to it.

Greetings, thanks and offers of help (in English, German, French and Spanish) need only the first
condition. A response with an unsupported claim hallucinates. A response that declines or claims
nothing doesn't.

The rule misses negations and mix-ups in the context's own words ("isn't refundable" for "is
refundable"), numbers written as words, and wrong conclusions from correct facts. It wrongly reports
true claims from outside the context, calculated results and translated names. The errors are the
same for all compared versions; to assess single responses, use a judge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.descriptors import refusal
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.claims import claims, is_courtesy
from retrain.evaluation.metrics.support import (
    EMBEDDING_SUPPORT,
    LEXICAL_SUPPORT,
    GivenText,
    SentenceEncoder,
    nearest_cosines,
)


@dataclass(frozen=True)
class UnsupportedClaim:
    """A claim that the context doesn't support, and why."""

    claim: str
    #: Facts missing in the context; empty: its words and its meaning are missing.
    missing: tuple[str, ...]


class Hallucination:
    """Whether a response has an unsupported claim; applies to items with a context.

    Args:
        encoder: Compares claims with the context by meaning; ``None`` compares words only, so
            that more paraphrases count as hallucinations.
    """

    name = "hallucination_rate"
    direction: Literal["lower"] = "lower"
    kind: Literal["binary"] = "binary"
    lowest = 0.0
    highest = 1.0

    def __init__(self, encoder: SentenceEncoder | None = None) -> None:
        self._encoder = encoder

    def score(
        self, items: Sequence[BenchmarkItem], responses: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return 1 for each response that hallucinates, else 0, ``[n]``; NaN without a context."""
        matches = self.explain(items, responses)
        return np.array([np.nan if match is None else float(bool(match)) for match in matches])

    def explain(
        self, items: Sequence[BenchmarkItem], responses: Sequence[str]
    ) -> list[list[UnsupportedClaim] | None]:
        """Return each response's unsupported claims; ``None`` for an item without a context."""
        matches: list[list[UnsupportedClaim] | None] = []
        doubtful: list[tuple[int, str, GivenText]] = []
        for row, (item, response) in enumerate(zip(items, responses, strict=True)):
            if not item.context.strip():
                matches.append(None)
                continue
            unsupported: list[UnsupportedClaim] = []
            source = GivenText(item.source)
            for claim in () if refusal(response) else claims(response):
                missing = source.missing_facts(claim)
                if missing:
                    unsupported.append(UnsupportedClaim(claim, tuple(missing)))
                elif is_courtesy(claim):
                    continue
                elif source.share_of_words(claim) < LEXICAL_SUPPORT:
                    doubtful.append((row, claim, source))
            matches.append(unsupported)
        for row, claim in self._without_support(doubtful):
            unsupported_there = matches[row]
            if unsupported_there is not None:
                unsupported_there.append(UnsupportedClaim(claim, ()))
        return matches

    def _without_support(self, doubtful: list[tuple[int, str, GivenText]]) -> list[tuple[int, str]]:
        """Return the claims without a similar sentence in their source."""
        if not doubtful:
            return []
        if self._encoder is None:
            return [(row, claim) for row, claim, _ in doubtful]
        cosines = nearest_cosines(
            [claim for _, claim, _ in doubtful], [source for *_, source in doubtful], self._encoder
        )
        return [
            (row, claim)
            for (row, claim, _), cosine in zip(doubtful, cosines, strict=True)
            if cosine < EMBEDDING_SUPPORT
        ]
