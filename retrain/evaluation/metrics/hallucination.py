"""Hallucination against an item's context, by rules on each claim.

The metric applies to items with a context. It splits a response into claims (sentences). The source
of an item is its context and messages. A claim is

- *unsupported* if it contradicts the source: a figure, date, name, code or address that the source
  doesn't have, a figure of something else, a negation where the source affirms or the other way
  round, an opposite, swapped roles (:mod:`~retrain.evaluation.metrics.contradictions`); or if a
  bare "yes" or "no" contradicts what the source says of the question;
- *supported* if the source has at least
  :data:`~retrain.evaluation.metrics.support.LEXICAL_SUPPORT` of its content words, or a sentence
  with a cosine of at least :data:`~retrain.evaluation.metrics.support.EMBEDDING_SUPPORT` to it, or
  if it is a courtesy or says that something is unknown;
- *undecided* otherwise: other words may be a paraphrase or an invention.

A response with an unsupported claim hallucinates. Without one, a response with an undecided claim
has no score. No claim, no hallucination: refusals, "I don't know" and empty responses have none.

The rules' error was measured on labelled responses:
:mod:`~retrain.evaluation.metrics.measured_error`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.descriptors.refusals.rule import is_refusal
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.claims import claims, is_courtesy
from retrain.evaluation.metrics.contradictions import (
    SourceText,
    abstains,
    content,
    contradictions,
    contradicts_question,
)
from retrain.evaluation.metrics.measured_error import HALLUCINATION_ERROR
from retrain.evaluation.metrics.support import (
    EMBEDDING_SUPPORT,
    LEXICAL_SUPPORT,
    GivenText,
    SentenceEncoder,
    nearest_cosines,
)


@dataclass(frozen=True)
class UnsupportedClaim:
    """A claim that the context contradicts, and by what."""

    claim: str
    #: Figures, dates, names, codes, or the clause that is denied.
    contradicted: tuple[str, ...]


@dataclass(frozen=True)
class Support:
    """The claims of a response that are unsupported, and those that can't be decided."""

    unsupported: tuple[UnsupportedClaim, ...] = ()
    undecided: tuple[str, ...] = ()

    @property
    def value(self) -> float:
        """1 with an unsupported claim, NaN if a claim is undecided, else 0."""
        return 1.0 if self.unsupported else np.nan if self.undecided else 0.0


class Hallucination:
    """Whether a response has an unsupported claim; applies to items with a context.

    Args:
        encoder: Compares claims with the context by meaning; ``None`` compares words only, so
            that more claims are undecided.
    """

    name = "hallucination_rate"
    direction: Literal["lower"] = "lower"
    kind: Literal["binary"] = "binary"
    lowest = 0.0
    highest = 1.0
    error = HALLUCINATION_ERROR
    #: Message where the support of claims can't be told.
    failure = "a claim has other words than its context, and may be a paraphrase or an invention"

    def __init__(self, encoder: SentenceEncoder | None = None) -> None:
        self._encoder = encoder

    @staticmethod
    def applies_to(item: BenchmarkItem) -> bool:
        """Return whether the metric applies to an item."""
        return bool(item.context.strip())

    def score(
        self, items: Sequence[BenchmarkItem], responses: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return 1 for each response that hallucinates, else 0, ``[n]``.

        NaN without a context, or where the support of a claim can't be told.
        """
        matches = self.explain(items, responses)
        return np.array([np.nan if match is None else match.value for match in matches])

    def explain(
        self, items: Sequence[BenchmarkItem], responses: Sequence[str]
    ) -> list[Support | None]:
        """Return the support of each response; ``None`` for an item without a context."""
        unsupported: list[list[UnsupportedClaim]] = [[] for _ in items]
        doubtful: list[tuple[int, str, GivenText]] = []
        for row, (item, response) in enumerate(zip(items, responses, strict=True)):
            if not self.applies_to(item):
                continue
            text = GivenText(item.source)
            question = item.messages[-1]["content"] if item.messages else ""
            messages = "\n".join(message["content"] for message in item.messages)
            source = SourceText(item.context, messages)
            stated = () if is_refusal(question, response) else claims(response)
            for claim in stated:
                problems = [
                    *text.missing_codes(claim),
                    *contradictions(claim, source, response),
                ]
                if problems:
                    unsupported[row].append(UnsupportedClaim(claim, tuple(problems)))
                elif not _needs_no_support(claim) and (
                    text.share_of_words(claim) < LEXICAL_SUPPORT
                ):
                    doubtful.append((row, claim, text))
            if stated and contradicts_question(response, question, source):
                unsupported[row].append(UnsupportedClaim(response, (question,)))
        undecided = self._undecided(doubtful)
        return [
            Support(
                tuple(unsupported[row]), tuple(claim for place, claim in undecided if place == row)
            )
            if self.applies_to(item)
            else None
            for row, item in enumerate(items)
        ]

    def _undecided(self, doubtful: list[tuple[int, str, GivenText]]) -> list[tuple[int, str]]:
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


def _needs_no_support(claim: str) -> bool:
    """Return whether a sentence is a courtesy, abstains, or has no content of its own."""
    return is_courtesy(claim) or abstains(claim) or not content(claim)
