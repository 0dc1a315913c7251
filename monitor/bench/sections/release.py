"""A new release of a model behind the same name, asked the same kind of prompts."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from monitor.bench.figure import Figure, error_rate, share
from monitor.bench.plan import Plan
from monitor.bench.sources.releases import Releases, open_releases
from monitor.bench.workers import Runs
from monitor.drift import compare_given

N = 400
N_PERMUTATIONS = 1_999
ALPHA = 0.05
POWER_GOAL = 0.99


@dataclass(frozen=True)
class Change:
    """Two releases whose answers to different halves of the prompts are to be compared."""

    path: Path
    before: str
    after: str
    seed: int


def p_value_of(task: Change) -> float:
    """Return the p-value of output drift from one release to the other."""
    releases = _open(task.path)
    rng = np.random.default_rng(task.seed)
    order = rng.permutation(len(releases.prompts))
    first, second = order[:N], order[N : 2 * N]
    return compare_given(
        releases.prompts[first],
        releases.answers[task.before][first],
        releases.prompts[second],
        releases.answers[task.after][second],
        rng=rng,
        n_permutations=N_PERMUTATIONS,
    ).p_value


def release(
    releases: Releases, path: Path, workers: Runs, plan: Plan, seed: int
) -> Iterator[Figure]:
    """Yield how often each new release is noticed, and how often the same one is taken for new.

    Args:
        releases: What is compared.
        path: Where they are saved.
        workers: Do the work.
        plan: How many trials.
        seed: Of the first trial.
    """
    names = list(releases.answers)
    for before, after in [*pairwise(names), (names[0], names[0])]:
        tasks = [Change(path, before, after, seed + k) for k in range(plan.release_trials)]
        label = f"{before} to {after}"
        p_values = workers.run(p_value_of, tasks, label=label, seconds=plan.row_seconds)
        hits, trials = sum(p <= ALPHA for p in p_values), len(p_values)
        how = f"{N} other prompts a side, seeds {seed}-{seed + trials - 1}"
        if before == after:
            name = f"output alarms at {ALPHA:g}, the same release twice ({before})"
            yield error_rate(name, hits, trials, ALPHA, how)
        else:
            name = f"output alarms at {ALPHA:g}, a new release, {label}"
            yield share(name, hits, trials, how, at_least=POWER_GOAL)


@lru_cache(maxsize=1)
def _open(path: Path) -> Releases:
    return open_releases(path)
