"""Rows of honest candidates that the companions of metrics hold back."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.retrain.honest_benchmarks import BOTH, N_ITEMS, honest_benchmarks, release
from bench.retrain.separation import make_benchmark, make_item
from monitor.bench.row import Row
from monitor.settings import Gates
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.companions.check import check_companions
from retrain.evaluation.metrics.scoring import score_responses

#: The rules were chosen with other draws.
SEED = 5
RELEASE = "open responses of another release"
RELEASES = ("0301", "0613", "1106")
#: Share of the responses that the candidate replaces by the reference answer.
LEARNED = 0.3

#: Name, benchmark, and the responses of candidate and incumbent.
Pair = tuple[str, Benchmark, list[str], list[str]]


def companion_rows(area: str, data: Path, n_seeds: int) -> Iterator[Row]:
    """Count the honest candidates that are held back, on real texts."""
    held: Counter[str] = Counter()
    n: Counter[str] = Counter()
    for seed in range(n_seeds):
        for name, benchmark, *responses in _pairs(data, random.Random(f"{SEED} {seed}")):
            candidate, incumbent = (
                {benchmark.name: score_responses(benchmark.items, texts, benchmark.metrics)}
                for texts in responses
            )
            checks = check_companions(
                [benchmark], candidate, incumbent, Gates(), reference_name="incumbent"
            )
            n[name] += 1
            held[name] += any(check.outcome != "passed" for check in checks)
    for name, count in n.items():
        title = f"honest candidate held back by companions of metrics: {name}"
        k = held[name]
        # Another release may really have fewer details: a figure without a goal.
        goal, holds = ("", None) if name == RELEASE else ("<= 0.05", k <= 0.05 * count)
        yield Row(area, title, k / count, "", goal, holds, f"{k} of {count}")


def _pairs(data: Path, rng: random.Random) -> Iterator[Pair]:
    for name, benchmark, incumbent in honest_benchmarks(data, rng):
        references = [item.expected or "" for item in benchmark.items]
        candidate = [
            reference if rng.random() < LEARNED else response
            for reference, response in zip(references, incumbent, strict=True)
        ]
        yield name, benchmark, candidate, incumbent
    texts = [release(data, name) for name in rng.sample(RELEASES, len(RELEASES))]
    prompts = rng.sample(sorted(texts[0]), N_ITEMS)
    items = [make_item(row, prompt, texts[0][prompt]) for row, prompt in enumerate(prompts)]
    candidate, incumbent = ([text[prompt] for prompt in prompts] for text in texts[1:])
    yield RELEASE, make_benchmark(items, BOTH), candidate, incumbent
