"""Rows of benchmarks that could fail: false passes of retention, and false refusals."""

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import stats

from bench.retrain.honest_benchmarks import honest_benchmarks
from bench.retrain.separation import SIZES, false_passes, margins_above_trivial
from monitor.bench.row import Row
from retrain.evaluation.gates.separation import MARGINS

#: The number of margins was chosen with seed 1.
SEED = 2


def false_pass_rows(area: str, n_trials: int) -> Iterator[Row]:
    """Check candidates that forgot all, or half, on benchmarks that just may count."""
    for gate in ("bound", "point"):
        for forgotten in (1.0, 0.5):
            rng = np.random.default_rng([SEED, int(10 * forgotten)])
            counts = [
                false_passes(forgotten, MARGINS, rng, n_trials=n_trials, n=n, gate=gate)
                for n in SIZES
            ]
            k, n = sum(counts), n_trials * len(SIZES)
            low = stats.binomtest(k, n).proportion_ci(0.95, method="exact").low
            name = f"forgot {forgotten:.0%} of old items, passes retention ({gate})"
            by_size = ", ".join(
                f"{k} of {size} items" for k, size in zip(counts, SIZES, strict=True)
            )
            against = f"{k} of {n} candidates: {by_size}"
            yield Row(area, name, k / n, "", "<= 0.05", bool(low <= 0.05), against)


def honest_rows(area: str, data: Path, n_seeds: int) -> Iterator[Row]:
    """Measure the distance of incumbents from trivial systems on honest benchmarks."""
    margins: dict[str, list[float]] = defaultdict(list)
    for seed in range(n_seeds):
        drawn = honest_benchmarks(data, random.Random(f"{SEED} {seed}"))
        for name, benchmark, responses in drawn:
            rng = np.random.default_rng([SEED, seed])
            margins[name].append(margins_above_trivial(benchmark, responses, rng))
    for name, values in margins.items():
        k = sum(value < MARGINS for value in values)
        against = f"{k} of {len(values)}; least {min(values):.1f} margins above trivial systems"
        title = f"honest benchmark that can't fail: {name}"
        yield Row(area, title, k / len(values), "", "<= 0.05", k <= 0.05 * len(values), against)
