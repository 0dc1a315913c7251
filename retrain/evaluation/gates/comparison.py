"""Paired comparisons of a candidate with a reference system, by metric of a benchmark."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.errors import InputError
from monitor.statistics.multiplicity import holm
from monitor.store.training.candidate_results import CandidateComparison
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.paired_tests import compare_binary, compare_graded
from retrain.evaluation.metrics.metric import Metric, goodness
from retrain.evaluation.metrics.scoring import ItemScore


def compare_systems(
    benchmark: Benchmark,
    candidate: Sequence[ItemScore],
    reference: Sequence[ItemScore],
    rng: np.random.Generator,
    *,
    name: str,
    split: str,
    confidence: float,
) -> list[CandidateComparison]:
    """Compare a candidate with a reference system by each metric.

    The reference, named ``incumbent`` or ``base``, may have its scores in any order. The split is
    ``new``, ``old`` or ``all``.

    Raises:
        InputError: The two systems were not scored on the same items.
    """
    by_id = {score.item.id: score for score in reference}
    same_items = {score.item.id for score in candidate} == set(by_id)
    if not same_items or len(candidate) != len(reference):
        raise InputError(
            f"{benchmark.name}: the systems were not scored on the same items",
            code="unpaired_items",
        )
    pairs = [
        (score, by_id[score.item.id]) for score in candidate if split in ("all", score.item.split)
    ]
    comparisons = [
        _compare(benchmark, metric, pairs, rng, name=name, split=split, confidence=confidence)
        for metric in benchmark.metrics
    ]
    return [comparison for comparison in comparisons if comparison is not None]


def adjust_together(comparisons: Sequence[CandidateComparison]) -> list[CandidateComparison]:
    """Adjust the p-values of comparisons by Holm's method, one family per direction."""
    better = holm([comparison.p_better for comparison in comparisons]).tolist()
    worse = holm([comparison.p_worse for comparison in comparisons]).tolist()
    return [
        msgspec.structs.replace(comparison, adjusted_p_better=p_better, adjusted_p_worse=p_worse)
        for comparison, p_better, p_worse in zip(comparisons, better, worse, strict=True)
    ]


def _compare(
    benchmark: Benchmark,
    metric: Metric,
    pairs: Sequence[tuple[ItemScore, ItemScore]],
    rng: np.random.Generator,
    *,
    name: str,
    split: str,
    confidence: float,
) -> CandidateComparison | None:
    scored = [(a, b) for a, b in pairs if metric.name in a.values and metric.name in b.values]
    n_either = sum(metric.name in a.values or metric.name in b.values for a, b in pairs)
    if not scored:
        return None
    candidate = np.array([score.values[metric.name] for score, _ in scored])
    reference = np.array([score.values[metric.name] for _, score in scored])
    if metric.kind == "binary":
        test = compare_binary(
            goodness(metric, candidate), goodness(metric, reference), confidence=confidence
        )
    else:
        test = compare_graded(
            goodness(metric, candidate),
            goodness(metric, reference),
            rng,
            strata=_strata(benchmark, [score.item for score, _ in scored]),
            confidence=confidence,
        )
    return CandidateComparison(
        benchmark=benchmark.name,
        metric=metric.name,
        split=split,
        reference=name,
        n=len(scored),
        n_unpaired=n_either - len(scored),
        candidate_mean=float(candidate.mean()),
        reference_mean=float(reference.mean()),
        difference=test.difference,
        lower=test.lower,
        upper=test.upper,
        lower_bound=test.lower_bound,
        upper_bound=test.upper_bound,
        test="exact McNemar" if metric.kind == "binary" else "paired permutation",
        p_better=test.p_better,
        p_worse=test.p_worse,
    )


def _strata(benchmark: Benchmark, items: Sequence[BenchmarkItem]) -> list[NDArray[np.int64]]:
    rows: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, item in enumerate(items):
        rows[tuple(item.stratum_of(field) for field in benchmark.plan.stratify_by)].append(row)
    return [np.array(members) for members in rows.values()]
