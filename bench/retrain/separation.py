"""Retention on benchmarks that hardly could fail, by candidates that forgot."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monitor.settings import Gates
from monitor.settings.evaluation_file.plan import parse_plan
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.comparison import compare_systems
from retrain.evaluation.gates.retention import check_retention
from retrain.evaluation.gates.separation import retention_distance
from retrain.evaluation.metrics.catalogue import load_metrics
from retrain.evaluation.metrics.scoring import score_responses
from retrain.evaluation.trivial.measurement import measure_trivial

#: Numbers of old items of the trials.
SIZES = (60, 150, 400)


def false_passes(
    forgotten: float, margins: float, rng: np.random.Generator, *, n_trials: int, n: int, gate: str
) -> int:
    """Count the candidates that forgot a share of ``n`` old items and pass the check.

    The incumbent is ``margins`` to one more above the nearest trivial system.
    """
    return sum(
        forgetting_passes(forgotten, margins + rng.random(), rng, n=n, gate=gate)
        for _ in range(n_trials)
    )


def forgetting_passes(
    forgotten: float, margins: float, rng: np.random.Generator, *, n: int, gate: str
) -> bool:
    """Check a candidate that responds with the usual label where it forgot the right one.

    It forgot a share of the items. The incumbent's accuracy is ``margins`` above the share of the
    usual label; one in twenty responses of the candidate is drawn again.
    """
    policy = Gates.model_validate({"gate": gate})
    usual = rng.uniform(0.1, 0.95 - margins * policy.margin)
    accuracy = usual + margins * policy.margin
    rare = [f"label {number}" for number in range(1, 12)]
    expected = ["usual" if rng.random() < usual else str(rng.choice(rare)) for _ in range(n)]

    def respond(text: str) -> str:
        return text if rng.random() < accuracy else "wrong"

    incumbent = [respond(text) for text in expected]
    candidate = [
        "usual" if rng.random() < forgotten else respond(text) if rng.random() < 0.05 else before
        for text, before in zip(expected, incumbent, strict=True)
    ]
    items = [make_item(number, f"text {number}", text) for number, text in enumerate(expected)]
    benchmark = make_benchmark(items)
    before, own = (
        score_responses(items, texts, benchmark.metrics) for texts in (incumbent, candidate)
    )
    compared = compare_systems(
        benchmark, own, before, rng, name="incumbent", split="old", confidence=policy.confidence
    )
    trivial = {benchmark.name: measure_trivial(benchmark, rng)}
    (check,) = check_retention([benchmark], compared, {benchmark.name: before}, trivial, policy)
    return check.outcome == "passed"


def margins_above_trivial(
    benchmark: Benchmark, responses: Sequence[str], rng: np.random.Generator
) -> float:
    """Return the margins between an incumbent's responses and the nearest trivial system."""
    scores = score_responses(benchmark.items, responses, benchmark.metrics)
    trivial = measure_trivial(benchmark, rng)
    distance = retention_distance(benchmark, scores, trivial, Gates())
    return distance.share / Gates().margin if distance else 0.0


def make_item(number: int, prompt: str, expected: str, **fields: object) -> BenchmarkItem:
    """Return an old item; ``system`` is its system prompt."""
    system = (
        [{"role": "system", "content": str(fields.pop("system"))}] if "system" in fields else []
    )
    return BenchmarkItem(
        id=str(number),
        messages=(*system, {"role": "user", "content": prompt}),
        expected=expected,
        **fields,  # type: ignore[arg-type]
    )


def make_benchmark(
    items: Sequence[BenchmarkItem], metrics: Sequence[str] = ("exact_match",)
) -> Benchmark:
    """Return a benchmark of items."""
    names = ", ".join(metrics)
    content = f"evaluation:\n  benchmarks:\n    - {{name: s, dataset: a, metrics: [{names}]}}\n"
    (plan,) = parse_plan(content, Path("evaluation.yaml")).benchmarks
    return Benchmark(plan, tuple(items), tuple(load_metrics(metrics)), "")
