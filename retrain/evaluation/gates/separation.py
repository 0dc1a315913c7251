"""Distance of a system from trivial systems: without it, a benchmark can't fail.

A candidate that forgot everything still responds as a trivial system does. Where the incumbent is
hardly better than that, nothing can be lost that the margin would show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.settings import Gates
from retrain.evaluation.benchmark import SAFETY_METRICS, Benchmark
from retrain.evaluation.gates.least_items import MIN_ITEMS, least_items_for_retention
from retrain.evaluation.gates.paired_tests import sign_flip_p_values
from retrain.evaluation.judge.verdicts import JudgedOverRefusal, JudgedVerdict
from retrain.evaluation.metrics.metric import Metric, goodness
from retrain.evaluation.metrics.refusal import OVER_REFUSAL_RATE
from retrain.evaluation.metrics.scoring import ItemScore
from retrain.evaluation.trivial.measurement import TrivialSystem, measured_metrics

#: Margins of retention by which the incumbent must be above each trivial system.
MARGINS = 4

#: Metrics with a limit wherever there is a safety suite.
_LIMITED = SAFETY_METRICS | {OVER_REFUSAL_RATE.name, JudgedOverRefusal.name}

Values = NDArray[np.float64]


class Distance(NamedTuple):
    """The distance of a system from a trivial one, by the metric that tells them apart best."""

    trivial: str
    metric: Metric
    #: Mean scores of the system and of the trivial one.
    score: float
    trivial_score: float
    #: Difference of the means, as a share of the metric's range.
    share: float

    def __str__(self) -> str:
        return (
            f"{self.score:.3f}, a trivial system {self.trivial_score:.3f} "
            f"({self.metric.name}; {self.trivial})"
        )


def can_fail(distance: Distance | None, policy: Gates) -> bool:
    """Return whether a loss on a benchmark's old items would show."""
    return distance is not None and distance.share >= MARGINS * policy.margin - 1e-9


def retention_distance(
    benchmark: Benchmark,
    incumbent: Sequence[ItemScore],
    systems: Sequence[TrivialSystem],
    policy: Gates,
) -> Distance | None:
    """Return the distance of the incumbent from the nearest trivial system on old items.

    A system counts as near only if it is by every metric with enough items. ``None``: no metric
    that counts has enough items.
    """
    metrics = [m for m in benchmark.metrics if not is_safety_limit(benchmark, m.name)]
    least = least_items_for_retention(policy)
    rows = _rows(benchmark, "old")
    values = {m.name: _column(benchmark, incumbent, m.name) for m in metrics}
    metrics = [m for m in metrics if (~np.isnan(values[m.name][rows])).sum() >= least]
    # A metric that needs a model is compared with its lowest score, and counts only alone.
    metrics = [m for m in metrics if m in measured_metrics(benchmark)] or metrics
    distances = [_distance(benchmark, values, system, rows, metrics) for system in systems]
    return min((d for d in distances if d is not None), key=lambda d: d.share, default=None)


def is_safety_limit(benchmark: Benchmark, metric: str) -> bool:
    """Return whether the limits of a safety suite fail a trivial system by a metric.

    One that always refuses has the best refusal rate and the worst over-refusal rate.
    """
    return benchmark.is_safety_suite and metric in _LIMITED


def trivial_match(
    benchmark: Benchmark,
    candidate: Sequence[ItemScore],
    incumbent: Sequence[ItemScore],
    systems: Sequence[TrivialSystem],
    *,
    split: str,
    policy: Gates,
    rng: np.random.Generator,
) -> Distance | None:
    """Return the trivial system that the candidate is not shown to be better than; else ``None``.

    Where a rule has nothing to copy, the incumbent responds for it. The candidate must be better
    than the nearest system by one metric, by a permutation test of the paired differences,
    adjusted by Bonferroni.
    """
    rows = _rows(benchmark, split)
    metrics = measured_metrics(benchmark)
    own, before = (
        {m.name: _column(benchmark, scores, m.name) for m in metrics}
        for scores in (candidate, incumbent)
    )
    metrics = [m for m in metrics if (~np.isnan(own[m.name][rows])).sum() >= MIN_ITEMS]
    distances = []
    for system in systems:
        other = _with_fallback(system, before)
        if distance := _distance(benchmark, own, other, rows, metrics):
            distances.append((distance, other))
    if not distances:
        return None
    distance, other = min(distances, key=lambda pair: pair[0].share)
    for metric in metrics:
        own_scores, reached = own[metric.name], other.values[metric.name]
        differences = goodness(metric, own_scores) - goodness(metric, reached)
        differences = differences[rows]
        p_value, _ = sign_flip_p_values(differences[~np.isnan(differences)], rng)
        if p_value <= policy.alpha / len(metrics):
            return None
    return distance


def _with_fallback(system: TrivialSystem, incumbent: Mapping[str, Values]) -> TrivialSystem:
    """Return a system with the incumbent's scores where it has no response."""
    values = {
        name: np.where(system.responds | np.isnan(scores), scores, incumbent[name])
        for name, scores in system.values.items()
    }
    return replace(system, values=values)


def _distance(
    benchmark: Benchmark,
    own: dict[str, Values],
    system: TrivialSystem,
    rows: NDArray[np.bool_],
    metrics: Sequence[Metric],
) -> Distance | None:
    """Return the distance by the metric with the largest."""
    distances = []
    for metric in metrics:
        if isinstance(metric, JudgedVerdict):
            continue
        floor = np.full(len(benchmark.items), metric.lowest)
        other = system.values.get(metric.name, floor)
        both = rows & ~np.isnan(own[metric.name]) & ~np.isnan(other)
        if both.any():
            score, reached = own[metric.name][both], other[both]
            share = float((goodness(metric, score) - goodness(metric, reached)).mean())
            distances.append(
                Distance(system.name, metric, float(score.mean()), float(reached.mean()), share)
            )
    return max(distances, key=lambda d: d.share, default=None)


def _rows(benchmark: Benchmark, split: str) -> NDArray[np.bool_]:
    return np.array([split in ("all", item.split) for item in benchmark.items])


def _column(benchmark: Benchmark, scores: Sequence[ItemScore], metric: str) -> Values:
    """Return a system's scores by a metric, ``[n]`` in the order of the items."""
    by_id = {score.item.id: score.values for score in scores}
    return np.array([by_id[item.id].get(metric, np.nan) for item in benchmark.items])
