"""A candidate beside another system: every metric of a benchmark, item by item."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.errors import InputError
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.paired_tests import compare_binary, compare_graded
from retrain.evaluation.metrics.metric import Metric
from retrain.evaluation.metrics.scoring import ItemScore
from retrain.statistics.multiplicity import holm


@dataclass(frozen=True)
class Comparison:
    """A metric of the candidate and of another system on the same items.

    Differences are turned so that above 0 the candidate is better, and are shares of the metric's
    range.
    """

    benchmark: str
    metric: str
    #: ``new``, ``old`` or ``all`` items.
    items: str
    #: ``incumbent`` or ``base``.
    other: str
    #: Items that the metric scored for both.
    n: int
    #: Items that it scored for one of the two only; they don't count.
    n_unpaired: int
    candidate_mean: float
    other_mean: float
    difference: float
    #: Two-sided 95% interval.
    lower: float
    upper: float
    #: One-sided bounds at the gates' confidence.
    bound: float
    upper_bound: float
    #: ``exact McNemar`` or ``paired permutation``.
    test: str
    p_better: float
    p_worse: float
    #: After Holm, over all comparisons that are decided together.
    adjusted_p_better: float = 1.0
    adjusted_p_worse: float = 1.0

    def __str__(self) -> str:
        return (
            f"{self.benchmark}, {self.metric} on {self.items} items: {self.other_mean:.3f} -> "
            f"{self.candidate_mean:.3f} (n = {self.n}, better by {100 * self.difference:+.1f} "
            f"points, 95% interval {100 * self.lower:+.1f} to {100 * self.upper:+.1f}; "
            f"{self.test}, adjusted p = {self.adjusted_p_better:.2g} better, "
            f"{self.adjusted_p_worse:.2g} worse)"
        )


def compare_systems(
    benchmark: Benchmark,
    candidate: Sequence[ItemScore],
    other: Sequence[ItemScore],
    rng: np.random.Generator,
    *,
    name: str,
    items: str,
    confidence: float,
) -> list[Comparison]:
    """Compare a candidate with another system by each metric that scored both on some item.

    Args:
        benchmark: What both were asked.
        candidate: Its scores.
        other: Those of the other system, in any order.
        rng: Draws permutations and resamples.
        name: What the other system is called.
        items: ``new``, ``old`` or ``all``: which items count.
        confidence: One-sided confidence of the bounds.

    Raises:
        InputError: The two were not scored on the same items.
    """
    by_id = {score.item.id: score for score in other}
    if {score.item.id for score in candidate} != set(by_id) or len(candidate) != len(other):
        raise InputError(f"{benchmark.name}: the systems were not scored on the same items")
    pairs = [(one, by_id[one.item.id]) for one in candidate if items in ("all", one.item.split)]
    found = [
        _compare(benchmark, metric, pairs, rng, name=name, items=items, confidence=confidence)
        for metric in benchmark.metrics
    ]
    return [one for one in found if one is not None]


def adjust_together(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return comparisons with their p-values adjusted as one family."""
    better = holm([one.p_better for one in comparisons])
    worse = holm([one.p_worse for one in comparisons])
    return [
        replace(one, adjusted_p_better=up, adjusted_p_worse=down)
        for one, up, down in zip(comparisons, better, worse, strict=True)
    ]


def _compare(
    benchmark: Benchmark,
    metric: Metric,
    pairs: Sequence[tuple[ItemScore, ItemScore]],
    rng: np.random.Generator,
    *,
    name: str,
    items: str,
    confidence: float,
) -> Comparison | None:
    scored = [(a, b) for a, b in pairs if metric.name in a.values and metric.name in b.values]
    either = sum(metric.name in a.values or metric.name in b.values for a, b in pairs)
    if not scored:
        return None
    first = np.array([a.values[metric.name] for a, _ in scored])
    second = np.array([b.values[metric.name] for _, b in scored])
    if metric.kind == "binary":
        found = compare_binary(
            _goodness(metric, first), _goodness(metric, second), confidence=confidence
        )
    else:
        found = compare_graded(
            _goodness(metric, first),
            _goodness(metric, second),
            rng,
            strata=_strata(benchmark, [a.item for a, _ in scored]),
            confidence=confidence,
        )
    return Comparison(
        benchmark=benchmark.name,
        metric=metric.name,
        items=items,
        other=name,
        n=len(scored),
        n_unpaired=either - len(scored),
        candidate_mean=float(first.mean()),
        other_mean=float(second.mean()),
        difference=found.difference,
        lower=found.lower,
        upper=found.upper,
        bound=found.bound,
        upper_bound=found.upper_bound,
        test="exact McNemar" if metric.kind == "binary" else "paired permutation",
        p_better=found.p_better,
        p_worse=found.p_worse,
    )


def _goodness(metric: Metric, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores as shares of the metric's range, higher ones better."""
    shares = (values - metric.lowest) / (metric.highest - metric.lowest)
    return shares if metric.direction == "higher" else 1.0 - shares


def _strata(benchmark: Benchmark, items: Sequence[BenchmarkItem]) -> list[NDArray[np.int64]]:
    rows: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, item in enumerate(items):
        rows[tuple(item.stratum_of(field) for field in benchmark.plan.stratify_by)].append(row)
    return [np.array(members) for members in rows.values()]
