"""Abstaining: right where the context lacks what was asked for."""

from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.claims import claims
from retrain.evaluation.metrics.contradictions import abstains
from retrain.evaluation.metrics.metric import PerResponse
from retrain.evaluation.metrics.refusal import refused


def abstains_rightly(item: BenchmarkItem, response: str) -> float | None:
    """Return whether a response abstains where it must, and only there.

    ``None`` for items that don't say whether they are answerable.
    """
    if item.answerable is None:
        return None
    abstained = any(abstains(claim) for claim in claims(response)) or refused(item, response)
    return float(abstained != item.answerable)


ABSTENTION_ACCURACY = PerResponse("abstention_accuracy", abstains_rightly)
