"""Benchmarks with given scores, without a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from monitor.settings.evaluation_file.plan import parse_plan
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.metrics.catalogue import load_metrics
from retrain.evaluation.metrics.scoring import ItemScore
from tests.support.retrain.judged_claims import ClaimsJudge, MeasuredJudge, reads_the_context


def benchmark(
    items: Sequence[BenchmarkItem],
    *,
    metrics: Sequence[str] = (),
    threshold: Mapping[str, str] | None = None,
    name: str = "suite",
    stratify_by: Sequence[str] = (),
) -> Benchmark:
    """Return a benchmark in the form of evaluation.yaml; a judge without error judges claims."""
    lines = ["evaluation:", "  benchmarks:", f"    - name: {name}", "      dataset: a.jsonl"]
    if metrics:
        lines.append(f"      metrics: [{', '.join(metrics)}]")
    if stratify_by:
        lines.append(f"      stratify_by: [{', '.join(stratify_by)}]")
    if threshold:
        limits = ", ".join(f'{metric}: "{limit}"' for metric, limit in threshold.items())
        lines.append(f"      threshold: {{{limits}}}")
    (plan,) = parse_plan("\n".join(lines), Path("evaluation.yaml")).benchmarks
    loaded = [
        MeasuredJudge(ClaimsJudge(reads_the_context))
        if metric.name == MeasuredJudge.name
        else metric
        for metric in load_metrics(plan.metric_names)
    ]
    return Benchmark(plan, tuple(items), tuple(loaded), "0" * 64)


def spelled(number: int) -> str:
    """Return a number as a word: items that differ in a number or a typing error are copies."""
    return "".join(2 * chr(ord("a") + int(digit)) for digit in str(number))


def items(n: int, split: str = "old", **fields: object) -> list[BenchmarkItem]:
    """Return n items of a split, with different reference answers."""
    return [
        BenchmarkItem(
            id=f"{split}-{i}",
            messages=({"role": "user", "content": f"{split} {spelled(i)}"},),
            split=split,
            **{"expected": f"a{i}"} | fields,
        )  # type: ignore[arg-type]
        for i in range(n)
    ]


def scored(items: Sequence[BenchmarkItem], **columns: Sequence[float]) -> list[ItemScore]:
    """Return scores of items, one column per metric; NaN is left out."""
    return [
        ItemScore(
            item,
            "It is so.",
            {name: float(c[i]) for name, c in columns.items() if not np.isnan(c[i])},
        )
        for i, item in enumerate(items)
    ]
