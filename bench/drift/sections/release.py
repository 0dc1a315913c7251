"""Responses of real releases: a new release, and one whose prompts have changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.drift.plan import DriftPlan
from bench.drift.sources.releases import Releases, open_releases
from monitor.bench.figure import Figure, error_rate, share
from monitor.bench.workers import TrialRunner
from monitor.drift import compare_given

N = 400
N_PERMUTATIONS = 1_999
ALPHA = 0.05
POWER_GOAL = 0.99


@dataclass(frozen=True)
class Change:
    """Two releases, compared by their responses to different prompts."""

    path: Path
    before: str
    after: str
    seed: int


def release_p_value(task: Change) -> float:
    """Return the p-value of output drift from one release to the other."""
    releases = _open(task.path)
    rng = np.random.default_rng(task.seed)
    order = rng.permutation(len(releases.prompts))
    first, second = order[:N], order[N : 2 * N]
    return compare_given(
        releases.prompts[first],
        releases.responses[task.before][first],
        releases.prompts[second],
        releases.responses[task.after][second],
        rng=rng,
        n_permutations=N_PERMUTATIONS,
    ).p_value


@dataclass(frozen=True)
class Moved:
    """A release, compared with itself after the prompts of one source have become more frequent."""

    path: Path
    source: str
    #: Whether descriptors of the prompts are covariates, as in a drift evaluation.
    with_descriptors: bool
    seed: int


def moved_p_value(task: Moved) -> float:
    """Return the p-value of output drift where only the prompts have changed."""
    releases = _open(task.path)
    rng = np.random.default_rng(task.seed)
    sides = _moved(releases, task.source, rng)
    responses = list(releases.responses.values())[task.seed % len(releases.responses)]
    descriptors = [releases.descriptors[side] if task.with_descriptors else None for side in sides]
    return compare_given(
        releases.prompts[sides[0]],
        responses[sides[0]],
        releases.prompts[sides[1]],
        responses[sides[1]],
        reference_covariates=descriptors[0],
        current_covariates=descriptors[1],
        rng=rng,
        n_permutations=N_PERMUTATIONS,
    ).p_value


def _moved(
    releases: Releases, source: str, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split the prompts: to the reference a quarter of one source and half of all other sources."""
    order = rng.permutation(len(releases.prompts))
    own = order[releases.sources[order] == source]
    other_sources = order[releases.sources[order] != source]
    parts = len(own) // 4, len(other_sources) // 2
    return (
        np.concatenate([own[: parts[0]], other_sources[: parts[1]]]),
        np.concatenate([own[parts[0] :], other_sources[parts[1] :]]),
    )


def release(
    releases: Releases, path: Path, workers: TrialRunner, plan: DriftPlan, seed: int
) -> Iterator[Figure]:
    """Yield the alarm rates for each new release and for the same release twice.

    Args:
        releases: The responses of the releases.
        path: The file of the saved releases.
        workers: Runs the trials.
        plan: Numbers of trials.
        seed: Seed of the first trial.
    """
    names = list(releases.responses)
    for before, after in [*pairwise(names), (names[0], names[0])]:
        tasks = [Change(path, before, after, seed + k) for k in range(plan.release_trials)]
        label = f"{before} to {after}"
        p_values = workers.run(release_p_value, tasks, label=label, seconds=plan.row_seconds)
        hits, trials = sum(p <= ALPHA for p in p_values), len(p_values)
        how = f"{N} other prompts a side, seeds {seed}-{seed + trials - 1}"
        if before == after:
            name = f"output alarms at {ALPHA:g}, the same release twice ({before})"
            yield error_rate(name, hits, trials, ALPHA, how)
        else:
            name = f"output alarms at {ALPHA:g}, a new release, {label}"
            yield share(name, hits, trials, how, at_least=POWER_GOAL)
    yield from _only_the_prompts(releases, path, workers, plan, seed)


def _only_the_prompts(
    releases: Releases, path: Path, workers: TrialRunner, plan: DriftPlan, seed: int
) -> Iterator[Figure]:
    """Yield the alarm rates where prompts of the largest source have become more frequent."""
    names, counts = np.unique(releases.sources, return_counts=True)
    if len(names) < 2:
        return
    source = str(names[counts.argmax()])
    sides = _moved(releases, source, np.random.default_rng(seed))
    before, after = (float((releases.sources[side] == source).mean()) for side in sides)
    for with_descriptors in (True, False):
        covariates = "with descriptors" if with_descriptors else "embeddings alone"
        tasks = [
            Moved(path, source, with_descriptors, seed + k) for k in range(plan.release_trials)
        ]
        p_values = workers.run(
            moved_p_value, tasks, label=f"{source}, {covariates}", seconds=plan.row_seconds
        )
        hits, trials = sum(p <= ALPHA for p in p_values), len(p_values)
        yield error_rate(
            f"output alarms at {ALPHA:g}, only the prompts moved: {source} from {before:.0%} to "
            f"{after:.0%}, {covariates}",
            hits,
            trials,
            ALPHA,
            f"n = {len(sides[0])} and {len(sides[1])}, seeds {seed}-{seed + trials - 1}",
        )


@lru_cache(maxsize=1)
def _open(path: Path) -> Releases:
    return open_releases(path)
