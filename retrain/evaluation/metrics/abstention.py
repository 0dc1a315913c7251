"""Abstaining: right where the context lacks what was asked for."""

from monitor.descriptors.refusals.phrases import ABSTAINS, compile_phrases
from monitor.descriptors.refusals.rule import fold, is_refusal
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.claims import claims
from retrain.evaluation.metrics.metric import PerResponse

_ABSTAINS = compile_phrases(ABSTAINS)


def abstains(sentence: str) -> bool:
    """Return whether a sentence says that something is unknown."""
    folded = fold(sentence)
    return any(pattern.search(folded) for pattern in _ABSTAINS.values())


def abstained(question: str, response: str) -> bool:
    """Return whether a response says that something is unknown, or refuses."""
    return any(map(abstains, claims(response))) or is_refusal(question, response)


def abstains_rightly(item: BenchmarkItem, response: str) -> float | None:
    """Return whether a response abstains where it must, and only there.

    ``None`` for items that don't say whether they are answerable.
    """
    if item.answerable is None:
        return None
    question = item.messages[-1]["content"] if item.messages else ""
    return float(abstained(question, response) != item.answerable)


ABSTENTION_ACCURACY = PerResponse("abstention_accuracy", abstains_rightly)
