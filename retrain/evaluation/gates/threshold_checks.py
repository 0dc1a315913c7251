"""Threshold checks of a benchmark's metrics."""

from collections.abc import Sequence

import numpy as np

from monitor.settings import Gates
from monitor.settings.evaluation_file.plan import Threshold
from monitor.statistics.bootstrap import mean_interval
from monitor.statistics.intervals import clopper_pearson
from monitor.store.training.candidate_results import Check, CheckOutcome
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.judge_failures import judge_failures
from retrain.evaluation.metrics.catalogue import canonical_name
from retrain.evaluation.metrics.metric import Metric
from retrain.evaluation.metrics.scoring import ItemScore


def check_thresholds(
    benchmark: Benchmark, scores: Sequence[ItemScore], policy: Gates, rng: np.random.Generator
) -> list[Check]:
    """Check the candidate's scores against every threshold of a benchmark.

    With the gate ``point``, the measured figure decides. With ``bound``, the one-sided confidence
    bound decides, exact for shares (Clopper and Pearson, 1934): a figure beyond the threshold
    fails; a figure within the threshold whose bound is beyond it is undecided, because there are
    too few items. Both gates show the bound. If the judge failed on more than 10% of the items, no
    check passes.
    """
    metrics = {metric.name: metric for metric in benchmark.metrics}
    return [
        _check(
            benchmark.name,
            metrics[canonical_name(threshold.metric)],
            threshold,
            scores,
            policy=policy,
            rng=rng,
        )
        for threshold in benchmark.plan.thresholds
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
    values = np.array(
        [score.values[metric.name] for score in scores if metric.name in score.values]
    )
    failures = judge_failures(metric, scores)
    suffix = f"; {failures}" if failures else ""
    if not values.size:
        return Check(
            name,
            "undecided",
            f"nothing was measured{suffix}",
            required,
            code="threshold",
            benchmark=benchmark,
            metric=metric.name,
        )
    figure = float(values.mean())
    if metric.kind == "binary":
        # Compare counts, because a mean could round across the limit.
        k = int((values == metric.highest).sum())
        figure = metric.lowest + (metric.highest - metric.lowest) * k / len(values)
        observed = f"{k} of {len(values)} ({k / len(values):.1%})"
    else:
        observed = f"{figure:.3f} on {len(values)} items"
    bound = _bound(metric, values, is_minimum=limit.is_minimum, policy=policy, rng=rng)
    outcome: CheckOutcome = "passed"
    if not limit.holds(figure):
        outcome = "failed"
    elif (policy.gate == "bound" and not limit.holds(bound)) or (failures and failures.too_many):
        outcome = "undecided"
    side = "lower" if limit.is_minimum else "upper"
    return Check(
        name,
        outcome,
        f"{observed}, {side} bound {bound:.3f}{suffix}",
        required,
        code="threshold",
        benchmark=benchmark,
        metric=metric.name,
    )


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
        limits = clopper_pearson(k, n, 1 - policy.confidence)
        share = limits[0] if is_minimum else limits[1]
        return metric.lowest + (metric.highest - metric.lowest) * share
    lower, upper = mean_interval(
        values,
        rng,
        lowest=metric.lowest,
        highest=metric.highest,
        confidence=2 * policy.confidence - 1,
    )
    return lower if is_minimum else upper
