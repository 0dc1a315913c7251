"""Hallucination against the given context, by a rule.

The rule, for an item with a context. The response is split into claims, its sentences. A claim is
supported by what the model was given, the context and the messages, where

1. every number, date, code, e-mail and web address, and every name in it is in there, and
2. at least :data:`~retrain.evaluation.metrics.support.LEXICAL_SUPPORT` of its content words are
   in there, or
   a sentence in there lies within a cosine of
   :data:`~retrain.evaluation.metrics.support.EMBEDDING_SUPPORT` of it.

A greeting, thanks or an offer of help (in English, German, French and Spanish) needs the first
only. A response with a claim that isn't supported hallucinates. One that declines, or claims
nothing, doesn't.

What it can't see: a claim that denies or mixes up what the context says in the context's own words
("isn't refundable" for "is refundable"), numbers written as words, wrong conclusions from right
facts. What it takes for hallucination wrongly: a true claim from outside of the context, a result
that was calculated from it, a translated name. It is the same for every version that is compared;
where single responses matter, use a judge instead.
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
    #: Facts that the context doesn't have; empty: its words and meaning aren't there.
    missing: tuple[str, ...]


class Hallucination:
    """Whether a response claims what isn't in its context; only items with a context are scored.

    Args:
        encoder: Compares claims with the context by meaning; ``None`` compares words alone, and
            takes more paraphrases for hallucinations.
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
        """Return the claims that no sentence of their source is near to."""
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
