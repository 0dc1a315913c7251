"""Overlap with the expected response: exact match, token F1, ROUGE."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.metric import PerResponse
from retrain.evaluation.metrics.tokens import alphanumeric_tokens, normalise, tokens

_ARTICLES = frozenset({"a", "an", "the"})


def exact_match(expected: str, response: str) -> float:
    """Return 1.0 if the response is the expected one, up to Unicode form, case and spaces.

    >>> exact_match("cards: block card", " Cards:  block card")
    1.0
    """
    return float(normalise(expected) == normalise(response))


def token_f1(expected: str, response: str) -> float:
    """Return the harmonic mean of precision and recall over tokens, each counted once.

    English articles are ignored, as in SQuAD's F1. Texts without a token score by exact match.

    Reference: Rajpurkar et al. (2016), SQuAD: 100,000+ questions for machine comprehension of text.

    >>> token_f1("block the card", "Block card!")
    1.0
    >>> round(token_f1("card_arrival", "lost_or_stolen_card"), 3)
    0.333
    """
    wanted, values = _content(expected), _content(response)
    if not wanted and not values:
        return exact_match(expected, response)
    shared = (wanted & values).total()
    if not shared:
        return 0.0
    precision, recall = shared / values.total(), shared / wanted.total()
    return 2 * precision * recall / (precision + recall)


def _content(text: str) -> Counter[str]:
    """Count the tokens of a text without articles, unless it has nothing else."""
    every = tokens(text)
    return Counter([token for token in every if token not in _ARTICLES] or every)


def rouge(variant: str, expected: str, response: str) -> float:
    """Return the F-measure of a ROUGE variant over tokens of any script.

    On ASCII it is the score of rouge-score's own tokenizer, without stemming. Texts with the same
    tokens score 1 even if they are too short for an n-gram; texts without a token score by exact
    match.

    Reference: Lin (2004), ROUGE: a package for automatic evaluation of summaries.

    >>> rouge("rougeL", "カードを止める", "カードを止める")
    1.0
    """
    wanted = alphanumeric_tokens(expected)
    if wanted == alphanumeric_tokens(response):
        return 1.0 if wanted else exact_match(expected, response)
    score: float = _scorer(variant).score(expected, response)[variant].fmeasure
    return score


class Tokenizer:
    """A tokenizer for rouge-score, whose default drops all but ASCII."""

    def tokenize(self, text: str) -> Sequence[str]:
        """Split a text."""
        return alphanumeric_tokens(text)


@cache
def _scorer(variant: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer  # noqa: PLC0415 - slow to import

    return RougeScorer([variant], tokenizer=Tokenizer())


def _exact(item: BenchmarkItem, response: str) -> float | None:
    return None if item.expected is None else exact_match(item.expected, response)


def _f1(item: BenchmarkItem, response: str) -> float | None:
    return None if item.expected is None else token_f1(item.expected, response)


def _rouge_metric(variant: str) -> PerResponse:
    def score(item: BenchmarkItem, response: str) -> float | None:
        return None if item.expected is None else rouge(variant, item.expected, response)

    return PerResponse(variant, score, kind="graded")


EXACT_MATCH = PerResponse("exact_match", _exact)
TOKEN_F1 = PerResponse("token_f1", _f1, kind="graded")
ROUGE_METRICS = tuple(_rouge_metric(variant) for variant in ("rouge1", "rouge2", "rougeL"))
