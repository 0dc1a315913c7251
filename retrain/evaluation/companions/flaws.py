"""Flaws of a system's responses that metrics of words ignore."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from monitor.descriptors.refusals.rule import fold
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.companions import texts
from retrain.evaluation.companions.details import Names, count_negations, numbers, words
from retrain.evaluation.metrics.abstention import ABSTENTION_ACCURACY, abstained, abstains
from retrain.evaluation.metrics.claims import claims
from retrain.evaluation.metrics.content_words import content_units
from retrain.evaluation.metrics.metric import Metric
from retrain.evaluation.metrics.overlap import EXACT_MATCH, ROUGE_METRICS, TOKEN_F1, token_f1
from retrain.evaluation.metrics.scoring import ItemScore

#: Metrics that compare words.
OVERLAP = frozenset({TOKEN_F1.name, "bertscore", *(metric.name for metric in ROUGE_METRICS)})

#: A response's words that are in no prompt or reference answer: least number and share.
LEAST_UNKNOWN, UNKNOWN_SHARE = 3, 0.25

Rows = NDArray[np.float64]


@dataclass(frozen=True)
class Flaw:
    """A flaw, and the rule that finds it in a system's responses."""

    #: Such as ``numbers that neither prompt nor reference answer has``.
    name: str
    #: Scores of a system -> 1 where a response has it, 0, or NaN where it does not apply, ``[n]``.
    find: Callable[[Sequence[ItemScore]], Rows]
    #: Whether it counts only in responses with most of the reference answer's words: in a response
    #: of other words the metric sees that it is wrong.
    hides: bool = False


def flaws_of(items: Sequence[BenchmarkItem], metrics: Sequence[Metric]) -> Iterator[Flaw]:
    """Yield the flaws that the metrics of a benchmark ignore."""
    measured = {metric.name for metric in metrics}
    yield Flaw(
        "a response although there is nothing to respond",
        _each(_invents_without_metric if ABSTENTION_ACCURACY.name in measured else _invents),
    )
    if measured & {*OVERLAP, EXACT_MATCH.name}:
        yield Flaw("styled characters, hidden characters or stray spaces", _each(_has_other_form))
    if measured & OVERLAP:
        names = Names(text for item in items for text in (item.source, item.expected or ""))
        yield Flaw(
            "the reference answer's words in another order",
            _each(lambda item, response: _is_scrambled(item, response, names)),
        )
        yield Flaw("another word in a response that is right otherwise", _each(_replaces))
        for name, details in (("numbers", cache(numbers)), ("names or days", cache(names.of))):
            yield Flaw(
                f"{name} that neither prompt nor reference answer has",
                _each(_added(details)),
                hides=True,
            )
            yield Flaw(
                f"missing {name} of the reference answer", _each(_missing(details)), hides=True
            )
        yield Flaw("more or fewer negations than the reference answer", _each(_negates), hides=True)
        yield Flaw("a phrase that many responses have, and no reference answer", _stock(items))
        yield Flaw("words that no prompt and no reference answer has", _unknown(items))


def _each(
    rule: Callable[[BenchmarkItem, str], bool | None],
) -> Callable[[Sequence[ItemScore]], Rows]:
    def find(scores: Sequence[ItemScore]) -> Rows:
        matches = (rule(score.item, score.response) for score in scores)
        return np.array([np.nan if match is None else match for match in matches], dtype=np.float64)

    return find


def _has_other_form(item: BenchmarkItem, response: str) -> bool | None:
    if item.expected is None:
        return None
    return texts.differs_in_form(item.expected, response) or texts.has_unusual_characters(
        item.source + item.expected, response
    )


def _must_abstain(item: BenchmarkItem) -> bool:
    if item.answerable is not None:
        return not item.answerable
    stated = claims(item.expected or "")
    return bool(stated) and all(map(abstains, stated))


def _invents(item: BenchmarkItem, response: str) -> bool | None:
    if not _must_abstain(item):
        return None
    return not abstained(item.messages[-1]["content"], response)


def _invents_without_metric(item: BenchmarkItem, response: str) -> bool | None:
    return _invents(item, response) if item.answerable is None else None


def _is_scrambled(item: BenchmarkItem, response: str, names: Names) -> bool | None:
    if item.expected is None:
        return None
    details = names.of(item.expected) | numbers(item.expected)
    return texts.is_scrambled(item.expected, response, details)


def _replaces(item: BenchmarkItem, response: str) -> bool | None:
    if item.expected is None:
        return None
    if token_f1(item.expected, response) < texts.NEARLY_EQUAL:
        return False
    known = content_units(fold(f"{item.source}\n{item.expected}"))
    return not set(content_units(fold(response))) <= set(known)


def _added(details: Callable[[str], set[str]]) -> Callable[[BenchmarkItem, str], bool | None]:
    def rule(item: BenchmarkItem, response: str) -> bool | None:
        if item.expected is None:
            return None
        own = details(response)
        known = f"{item.source}\n{item.expected}"
        return bool(own) and not own <= details(known) | words(known)

    return rule


def _missing(details: Callable[[str], set[str]]) -> Callable[[BenchmarkItem, str], bool | None]:
    def rule(item: BenchmarkItem, response: str) -> bool | None:
        wanted = details(item.expected or "")
        return not wanted <= details(response) | words(response) if wanted else None

    return rule


def _negates(item: BenchmarkItem, response: str) -> bool | None:
    if item.expected is None:
        return None
    return count_negations(item.expected) != count_negations(response)


def _stock(items: Sequence[BenchmarkItem]) -> Callable[[Sequence[ItemScore]], Rows]:
    """Return the rule of phrases that a system repeats, and that are no reference answer's."""
    usual = set().union(*(texts.phrases(item.expected or "") for item in items))

    def find(scores: Sequence[ItemScore]) -> Rows:
        own = [
            texts.phrases(score.response) - texts.phrases(score.item.source) - usual
            for score in scores
        ]
        counts = Counter(phrase for each in own for phrase in each)
        least = max(texts.LEAST_STOCK, texts.STOCK_SHARE * len(scores))
        rows = [
            np.nan
            if score.item.expected is None
            else any(counts[phrase] >= least for phrase in each)
            for score, each in zip(scores, own, strict=True)
        ]
        return np.array(rows, dtype=np.float64)

    return find


def _unknown(items: Sequence[BenchmarkItem]) -> Callable[[Sequence[ItemScore]], Rows]:
    """Return the rule of responses of many words that no item has."""
    known = set().union(
        *(content_units(fold(f"{item.source}\n{item.expected or ''}")) for item in items)
    )

    def rule(item: BenchmarkItem, response: str) -> bool | None:
        if item.expected is None:
            return None
        own = set(content_units(fold(response)))
        unknown = own - known
        return len(unknown) >= max(LEAST_UNKNOWN, UNKNOWN_SHARE * len(own))

    return _each(rule)
