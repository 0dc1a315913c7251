"""The drift statistics on CLINC150: false alarms, power, precision, the mass bound, time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.progress import track

from bench.clinc import Clinc, draw, load
from bench.row import Row
from monitor.drift import DriftResult, compare
from monitor.drift.binomial import clopper_pearson

N_PERMUTATIONS = 999

#: kind, share, sizes, trials, alpha, goal of the power.
POWER = (
    ("oos", 0.05, (1000, 1000), 40, 0.05, 0.95),
    ("domain", 0.05, (1000, 1000), 40, 0.05, 0.85),
    ("intent", 0.02, (1000, 1000), 40, 0.05, 0.75),
    ("surge", 0.10, (1000, 1000), 40, 0.05, 0.80),
)
#: kind, share, trials, goal of the precision at 50, at n = 5,000.
LARGE = (("oos", 0.05, 8, 0.87), ("domain", 0.02, 8, 0.85), ("intent", 0.02, 8, 0.97))
NULLS = (((500, 500), 100), ((1000, 1000), 100), ((2000, 400), 60))


@dataclass
class Trials:
    """What the seeded repetitions of one setting gave."""

    results: list[DriftResult] = field(default_factory=list)
    precision: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def rejections(self, alpha: float) -> int:
        """Return how many p-values lie at or below alpha."""
        return sum(result.p_value <= alpha for result in self.results)

    def masses(self) -> list[float]:
        """Return the lower bounds on the drifted share."""
        return [result.mass_lower_bound for result in self.results]


def measure(data: Clinc, kind: str, share: float, sizes: tuple[int, int], trials: int) -> Trials:
    done = Trials()
    label = f"{kind} {share:.0%}, n = {sizes[0]:,} and {sizes[1]:,}"
    for seed in track(range(trials), label, transient=True):
        rng = np.random.default_rng(seed)
        windows = draw(data, kind, share, sizes, rng)
        start = time.perf_counter()
        result = compare(
            data.vectors[windows.reference],
            data.vectors[windows.current],
            rng=rng,
            n_permutations=N_PERMUTATIONS,
        )
        done.seconds.append(time.perf_counter() - start)
        done.results.append(result)
        top = np.argsort(-result.novelty, kind="stable")[:50]
        done.precision.append(float(windows.planted[top].mean()))
    return done


def rate(
    name: str,
    hits: int,
    trials: int,
    goal: str,
    *,
    floor: float | None = None,
    seeds: str | None = None,
) -> Row:
    """Make a row of a proportion: it holds at the floor, or where the interval covers ``goal``."""
    low, high = clopper_pearson(hits, trials, 0.025)
    value = hits / trials
    holds: bool | None = None
    if goal:
        holds = value >= floor if floor is not None else low <= float(goal.rsplit(" ", 1)[-1])
    seeds = seeds or f"0-{trials - 1}"
    how = f"{trials} trials, seeds {seeds}, 95% interval {low:.3f}-{high:.3f}"
    return Row("drift", name, value, "", goal, holds, how)


def null_rows(data: Clinc) -> Iterator[Row]:
    above = total = 0
    for sizes, trials in NULLS:
        done = measure(data, "none", 0.0, sizes, trials)
        for alpha in (0.05, 0.01):
            name = f"false alarms at {alpha}, n = {sizes[0]:,} and {sizes[1]:,}"
            yield rate(name, done.rejections(alpha), trials, f"interval reaches {alpha}")
        above += sum(mass > 0 for mass in done.masses())
        total += trials
    # Each pair of sizes starts at seed 0 again.
    seeds = ", ".join(f"0-{trials - 1}" for _, trials in NULLS)
    yield rate("mass bound above a true 0", above, total, "interval reaches 0.05", seeds=seeds)


def power_rows(data: Clinc) -> Iterator[Row]:
    for kind, share, sizes, trials, alpha, goal in POWER:
        done = measure(data, kind, share, sizes, trials)
        name = f"power at {alpha}, {kind} {share:.0%}, n = {sizes[0]:,}"
        yield rate(name, done.rejections(alpha), trials, f">= {goal}", floor=goal)


def large_rows(data: Clinc) -> Iterator[Row]:
    for kind, share, trials, goal in LARGE:
        done = measure(data, kind, share, (5000, 5000), trials)
        how = f"{trials} trials, seeds 0-{trials - 1}"
        value = float(np.mean(done.precision))
        name = f"precision at 50, {kind} {share:.0%}, n = 5,000"
        yield Row("drift", name, value, "", f">= {goal}", value >= goal, how)
        hits = done.rejections(0.01)
        yield rate(f"power at 0.01, {kind} {share:.0%}, n = 5,000", hits, trials, "")
        over = max(done.masses())
        name = f"largest mass bound, {kind} at a true {share:.0%}"
        yield Row("drift", name, over, "", f"<= {share}", over <= share, how)
    done = measure(data, "oos", 0.10, (5000, 5000), 5)
    value = float(np.mean(done.masses()))
    name = "mean mass bound, oos at a true 10%"
    yield Row("drift", name, value, "", ">= 0.06", value >= 0.06, "5 trials, seeds 0-4")
    seconds = float(np.median(done.seconds))
    how = f"{N_PERMUTATIONS} permutations, median of 5"
    yield Row("drift", "time, n = 5,000 and 5,000", seconds, "s", "", None, how)


def run(data: Path | None) -> list[Row]:
    folder = None if data is None else data / "clinc150"
    if folder is None or not (folder / "data_full.json").is_file():
        why = "set DRIFTWARDEN_DATA or --data to a folder that holds clinc150/data_full.json"
        return [Row("drift", "CLINC150", None, "", "", None, f"skipped: {why}")]
    loaded = load(folder)
    return [*null_rows(loaded), *power_rows(loaded), *large_rows(loaded)]
