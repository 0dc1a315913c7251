"""Responses of real releases: a new release, and one whose prompts have changed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.drift.plan import DriftPlan
from bench.drift.sections.paired import paired
from bench.drift.sources.release_comparison import (
    Outcome,
    columns_of,
    compare_responses,
    open_once,
)
from bench.drift.sources.releases import Releases
from monitor.bench.figure import Figure, error_rate, share
from monitor.bench.workers import TrialRunner
from monitor.drift import match_pairs
from monitor.statistics.alarm_levels import DEFAULT_LEVELS

N = 400
#: Prompts a side where both sides have the same.
N_SAME = 800
ALPHA = 0.05
OTHER_GOAL, SAME_GOAL = 0.85, 0.99


@dataclass(frozen=True)
class Change:
    """Two releases, compared by their responses to other prompts, or to the same."""

    path: Path
    before: str
    after: str
    n: int
    seed: int
    same_prompts: bool = False


@dataclass(frozen=True)
class Moved:
    """A release, compared with itself after the prompts of one source have become more frequent."""

    path: Path
    source: str
    #: Whether descriptors are used, as in a drift evaluation.
    with_descriptors: bool
    seed: int


def compare_releases(task: Change) -> Outcome:
    """Return the outcome of output drift from one release to the other."""
    releases = open_once(task.path)
    rng = np.random.default_rng(task.seed)
    order = rng.permutation(len(releases.prompts))
    first = order[: task.n]
    second = first if task.same_prompts else order[task.n : 2 * task.n]
    return _compare(task.path, (task.before, task.after), (first, second), rng)


def compare_moved(task: Moved) -> Outcome:
    """Return the outcome of output drift where only the prompts have changed."""
    releases = open_once(task.path)
    rng = np.random.default_rng(task.seed)
    sides = _moved(releases, task.source, rng)
    name = list(releases.responses)[task.seed % len(releases.responses)]
    return _compare(task.path, (name, name), sides, rng, with_descriptors=task.with_descriptors)


def _compare(
    path: Path,
    names: tuple[str, str],
    sides: tuple[NDArray[np.int64], NDArray[np.int64]],
    rng: np.random.Generator,
    *,
    with_descriptors: bool = True,
) -> Outcome:
    """Compare the responses as a drift evaluation of a weekly window does."""
    releases = open_once(path)
    columns = columns_of(path, *names) if with_descriptors else ()
    return compare_responses(
        [releases.prompts[side] for side in sides],
        [releases.responses[name][side] for name, side in zip(names, sides, strict=True)],
        [
            replace(column, reference=column.reference[sides[0]], current=column.current[sides[1]])
            for column in columns
        ],
        match_pairs(*sides) if np.array_equal(*sides) else None,
        rng,
    )


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
    pairs = list(dict.fromkeys([*pairwise(names), (names[0], names[-1])]))
    n_same = min(N_SAME, len(releases.prompts))
    for same_prompts, n in ((False, N), (True, n_same)):
        which = "the same" if same_prompts else "other"
        for before, after in [*pairs, *([] if same_prompts else [(name, name) for name in names])]:
            tasks = [
                Change(path, before, after, n, seed + k, same_prompts)
                for k in range(plan.release_trials)
            ]
            label = f"{before} to {after}"
            outcomes = workers.run(
                compare_releases, tasks, label=f"{label}, {which}", seconds=plan.row_seconds
            )
            trials, alarms = len(outcomes), sum(outcome.alarm for outcome in outcomes)
            how = f"{n} {which} prompts a side, seeds {seed}-{seed + trials - 1}"
            if before != after:
                name = f"responses alarm, a new release, {label}, {which} prompts"
                goal = SAME_GOAL if same_prompts else OTHER_GOAL
                yield share(name, alarms, trials, how, at_least=goal)
                continue
            rejected = sum(outcome.p_value <= ALPHA for outcome in outcomes)
            name = f"the same release twice ({before})"
            yield error_rate(f"output rejects at {ALPHA:g}, {name}", rejected, trials, ALPHA, how)
            yield error_rate(f"responses alarm, {name}", alarms, trials, DEFAULT_LEVELS.output, how)
    yield from paired(pairs, path, workers, plan, seed)
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
        outcomes = workers.run(
            compare_moved, tasks, label=f"{source}, {covariates}", seconds=plan.row_seconds
        )
        trials = len(outcomes)
        hits = sum(outcome.p_value <= ALPHA for outcome in outcomes)
        yield error_rate(
            f"output alarms at {ALPHA:g}, only the prompts moved: {source} from {before:.0%} to "
            f"{after:.0%}, {covariates}",
            hits,
            trials,
            ALPHA,
            f"n = {len(sides[0])} and {len(sides[1])}, seeds {seed}-{seed + trials - 1}",
        )
