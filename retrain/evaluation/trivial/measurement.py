"""Scores of trivial systems on a benchmark."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.errors import MetricError
from monitor.store.training.trivial_scores import TrivialScore
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.judge.reference_score import JudgedScore
from retrain.evaluation.judge.verdicts import JudgedVerdict
from retrain.evaluation.metrics.bertscore import BertScore
from retrain.evaluation.metrics.metric import Metric, apply_metric, goodness
from retrain.evaluation.metrics.overlap import (
    EXACT_MATCH,
    ROUGE_METRICS,
    TOKEN_F1,
    exact_match,
    token_f1,
)
from retrain.evaluation.metrics.scoring import strata_of
from retrain.evaluation.trivial.constants import (
    constants,
    of_same_system_prompt,
    shuffled_references,
)
from retrain.evaluation.trivial.copying import copied_responses
from retrain.evaluation.trivial.hidden_signs import signed_responses

#: Most items of a split on which trivial systems are scored; of more, so many are drawn.
MAX_ITEMS = 400
#: Rules that copy, and rules of signs: those that come nearest to the reference answers.
N_RULES = 3

Values = NDArray[np.float64]


@dataclass(frozen=True)
class TrivialSystem:
    """A system that responds without a skill, with its scores on a benchmark's items."""

    name: str
    #: Metric -> score of each item, ``[n]``, NaN where the metric does not apply.
    values: dict[str, Values]
    #: Items to which it has a response, ``[n]``.
    responds: NDArray[np.bool_]


def measured_metrics(benchmark: Benchmark) -> list[Metric]:
    """Return the metrics that need no model, and an encoder's where no overlap is measured."""
    metrics = [m for m in benchmark.metrics if not isinstance(m, JudgedVerdict | JudgedScore)]
    overlap = {EXACT_MATCH.name, TOKEN_F1.name, *(metric.name for metric in ROUGE_METRICS)}
    if overlap & {metric.name for metric in metrics}:
        return [metric for metric in metrics if not isinstance(metric, BertScore)]
    return metrics


def unmeasured_remarks(benchmark: Benchmark) -> list[str]:
    """Return a remark on the metrics by which no trivial system is scored."""
    measured = measured_metrics(benchmark)
    names = ", ".join(metric.name for metric in benchmark.metrics if metric not in measured)
    reason = f"{benchmark.name}: no trivial system is scored by {names}: it needs a model"
    return [reason] if names else []


def measure_trivial(benchmark: Benchmark, rng: np.random.Generator) -> list[TrivialSystem]:
    """Score the trivial systems on a benchmark, without generating anything.

    The best constant and the best rule that copies are searched in each split for itself. A system
    on whose responses a metric fails has no score by it.
    """
    items = benchmark.items
    responses: dict[str, list[dict[int, str]]] = {}
    for split in sorted({item.split for item in items}):
        rows = [row for row, item in enumerate(items) if item.split == split]
        if len(rows) > MAX_ITEMS:
            rows = sorted(rng.choice(rows, MAX_ITEMS, replace=False).tolist())
        for name, texts in _systems([items[row] for row in rows], rng):
            variants = responses.setdefault(name, [{} for _ in texts])
            for variant, own in zip(variants, texts, strict=True):
                variant.update(zip(rows, own, strict=True))
    return [_scored(name, benchmark, variants) for name, variants in responses.items()]


def _scored(
    name: str, benchmark: Benchmark, variants: Sequence[Mapping[int, str]]
) -> TrivialSystem:
    """Score a system by the mean over its variants: row of an item -> response."""
    rows = sorted(variants[0])
    items = [benchmark.items[row] for row in rows]
    values = {}
    for metric in measured_metrics(benchmark):
        values[metric.name] = np.full(len(benchmark.items), np.nan)
        with suppress(
            MetricError
        ):  # of a package: the systems under test may have no such response
            scores = [apply_metric(metric, items, [v[row] for row in rows]) for v in variants]
            values[metric.name][rows] = np.mean(scores, axis=0)
    responds = np.zeros(len(benchmark.items), dtype=bool)
    responds[rows] = [bool(variants[0][row]) for row in rows]
    return TrivialSystem(name, values, responds)


def best_trivial_scores(
    benchmark: Benchmark, systems: Sequence[TrivialSystem]
) -> Iterator[TrivialScore]:
    """Yield the best mean of a trivial system on each stratum, by each metric."""
    joint = benchmark.plan.stratify_by
    fields = tuple(dict.fromkeys(("split", *joint)))
    strata: dict[str, list[int]] = {}
    for row, item in enumerate(benchmark.items):
        for stratum in strata_of(item, fields, joint):
            strata.setdefault(stratum, []).append(row)
    for stratum in sorted(strata):
        for metric in measured_metrics(benchmark):
            columns = {s.name: s.values[metric.name][strata[stratum]] for s in systems}
            counts = {name: int((~np.isnan(c)).sum()) for name, c in columns.items()}
            n = max(counts.values(), default=0)
            if not n:
                continue
            # A rule that only one of two splits has says nothing about both.
            means = {name: float(np.nanmean(columns[name])) for name in counts if counts[name] == n}
            best = max(means, key=lambda name: goodness(metric, np.array(means[name])))
            yield TrivialScore(benchmark.name, stratum, metric.name, best, means[best], n)


def _systems(
    items: Sequence[BenchmarkItem], rng: np.random.Generator
) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield the name and the responses of each system; of shuffled references, several."""
    for name, text in constants(items, rng):
        yield name, [[text] * len(items)]
    if shuffles := shuffled_references(items, rng):
        yield "reference answer of another item", shuffles
    yield "most frequent reference answer of the system prompt", [of_same_system_prompt(items)]
    for responses in (copied_responses(items), signed_responses(items)):
        rules = [(name, texts) for name, texts in responses if any(texts)]
        rules.sort(key=lambda rule: -_nearness(items, rule[1]))
        for name, texts in rules[:N_RULES]:
            yield name, [texts]


def _nearness(items: Sequence[BenchmarkItem], texts: Sequence[str]) -> float:
    return sum(
        exact_match(item.expected, text) + token_f1(item.expected, text)
        for item, text in zip(items, texts, strict=True)
        if item.expected is not None
    )
