"""Limits of a metric on a benchmark, held against the measured figure or against its bound."""

from collections.abc import Sequence

import numpy as np

from monitor.settings import Gates
from monitor.settings.evaluation_file.plan import Threshold
from monitor.statistics.bootstrap import mean_interval
from monitor.statistics.intervals import binomial_lower_bound, binomial_upper_bound
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.gate_result import Check, Outcome
from retrain.evaluation.gates.judge_failures import unjudged
from retrain.evaluation.metrics.catalogue import canonical_name
from retrain.evaluation.metrics.metric import Metric
from retrain.evaluation.metrics.scoring import ItemScore


def check_thresholds(
    benchmark: Benchmark, scores: Sequence[ItemScore], policy: Gates, rng: np.random.Generator
) -> list[Check]:
    """Hold every threshold of a benchmark against the candidate's scores.

    With the gate ``point`` the measured figure decides. With ``bound`` it is the one-sided
    confidence bound, exact for shares (Clopper and Pearson, 1934): a figure on the wrong side
    fails, one on the right side whose bound isn't is undecided, for want of items. The bound is
    shown with either. Where a judge failed on more than a tenth of the items, nothing passes.
    """
    metrics = {metric.name: metric for metric in benchmark.metrics}
    return [
        _check(
            benchmark.name, metrics[canonical_name(one.metric)], one, scores, policy=policy, rng=rng
        )
        for one in benchmark.plan.thresholds
    ]


def _check(
    benchmark: str,
    metric: Metric,
    threshold: Threshold,
    scores: Sequence[ItemScore],
    *,
    policy: Gates,
    rng: np.random.Generator,
) -> Check:
    limit = threshold.limit
    name = f"{benchmark}: {metric.name} {limit}"
    required = f"{limit} ({policy.gate}, {policy.confidence:.0%} confidence)"
    values = np.array([one.values[metric.name] for one in scores if metric.name in one.values])
    failed = unjudged(metric, scores)
    missing = f"; {failed}" if failed else ""
    if not values.size:
        return Check(name, "undecided", f"nothing was measured{missing}", required)
    figure = float(values.mean())
    if metric.kind == "binary":
        # As a count: the mean would be subject to rounding at the limit.
        k = int((values == metric.highest).sum())
        figure = metric.lowest + (metric.highest - metric.lowest) * k / len(values)
        seen = f"{k} of {len(values)} ({k / len(values):.1%})"
    else:
        seen = f"{figure:.3f} on {len(values)} items"
    bound = _bound(metric, values, is_minimum=limit.is_minimum, policy=policy, rng=rng)
    outcome: Outcome = "passed"
    if not limit.holds(figure):
        outcome = "failed"
    elif (policy.gate == "bound" and not limit.holds(bound)) or (failed and failed.too_many):
        outcome = "undecided"
    side = "above" if limit.is_minimum else "below"
    return Check(name, outcome, f"{seen}, surely {side} {bound:.3f}{missing}", required)


def _bound(
    metric: Metric,
    values: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    *,
    is_minimum: bool,
    policy: Gates,
    rng: np.random.Generator,
) -> float:
    if metric.kind == "binary":
        k, n = int((values == metric.highest).sum()), len(values)
        exact = binomial_lower_bound if is_minimum else binomial_upper_bound
        return metric.lowest + (metric.highest - metric.lowest) * exact(k, n, policy.confidence)
    lower, upper = mean_interval(
        values,
        rng,
        lowest=metric.lowest,
        highest=metric.highest,
        confidence=2 * policy.confidence - 1,
    )
    return lower if is_minimum else upper
