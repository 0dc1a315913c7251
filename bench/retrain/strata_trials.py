"""Error rates of the gate of strata on candidates of known quality."""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from monitor.settings import Gates
from monitor.settings.evaluation_file.plan import parse_plan
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.stratum_losses import check_strata
from retrain.evaluation.metrics.catalogue import load_metrics
from retrain.evaluation.metrics.scoring import ItemScore


@dataclass(frozen=True)
class Layout:
    """A benchmark of old items, in intents of equal size and task types of five intents each."""

    n_intents: int
    #: Items of each intent.
    n_items: int


def outcomes(
    layout: Layout,
    rng: np.random.Generator,
    *,
    n_trials: int,
    copied: float = 0.95,
    lost: int = 0,
    policy: Gates | None = None,
) -> Counter[str]:
    """Count the outcomes of candidates as good as the incumbent, but for one intent.

    Intents, and the items in them, differ in difficulty. The candidate gives the incumbent's very
    response to a share ``copied`` of the items, and otherwise one of the same quality; of the first
    intent it loses ``lost`` items that the incumbent has right. Responses are scored by exact match
    and by a graded metric that goes with it.
    """
    suite = _suite(layout)
    n = len(suite.items)
    counts: Counter[str] = Counter()
    for _ in range(n_trials):
        hard = np.repeat(rng.beta(4, 1, size=layout.n_intents), layout.n_items)
        share = np.clip(hard + rng.normal(0, 0.15, size=n), 0, 1)
        before, after = (rng.random(n) < share for _ in range(2))
        noise = np.round(rng.beta(1, 3, size=(2, n)), 2)
        same = rng.random(n) < copied
        after, noise[1] = np.where(same, before, after), np.where(same, noise[0], noise[1])
        own = np.arange(layout.n_items)
        before[own[:lost]], after[own[:lost]] = True, False
        graded = [
            np.where(right, 1.0, rest) for right, rest in zip((before, after), noise, strict=True)
        ]
        scores = [
            [
                ItemScore(item, "", {"exact_match": float(a), "token_f1": float(b)})
                for item, a, b in zip(suite.items, *columns, strict=True)
            ]
            for columns in ((after, graded[1]), (before, graded[0]))
        ]
        (check,) = check_strata(
            [suite], {"suite": scores[0]}, {"suite": scores[1]}, policy or Gates(), rng,
            reference_name="incumbent",
        )  # fmt: skip
        counts[check.outcome] += 1
    return counts


@cache
def _suite(layout: Layout) -> Benchmark:
    items = [
        BenchmarkItem(
            id=f"{intent}-{number}",
            messages=({"role": "user", "content": "q"},),
            expected="a",
            task_type=f"type {intent // 5}",
            strata={"intent": f"intent {intent}"},
        )
        for intent in range(layout.n_intents)
        for number in range(layout.n_items)
    ]
    metrics = ("exact_match", "token_f1")
    content = (
        "evaluation:\n  benchmarks:\n    - name: suite\n      dataset: a\n"
        f"      metrics: [{', '.join(metrics)}]\n      stratify_by: [intent]\n"
    )
    (plan,) = parse_plan(content, Path("evaluation.yaml")).benchmarks
    return Benchmark(plan, tuple(items), tuple(load_metrics(metrics)), "")
