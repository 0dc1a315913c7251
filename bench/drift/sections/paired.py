"""Responses to the same prompts in pairs, beside the comparison of similar prompts.

Both sides have both releases: of each prompt one response on each side, in random order. Without a
change the sides are exchangeable, whatever the releases.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.drift.plan import DriftPlan
from bench.drift.sources.release_comparison import (
    Outcome,
    columns_of,
    compare_responses,
    open_once,
)
from monitor.bench.figure import Figure, error_rate, share
from monitor.bench.workers import TrialRunner
from monitor.drift import match_pairs
from monitor.statistics.alarm_levels import DEFAULT_LEVELS

#: Prompts a side.
N = 200
ALPHA = 0.05
#: Share of the current responses that are to another prompt.
OFF_TOPIC = 0.05
#: Excess of the later release in the current window: 65% of its responses to 35%.
EXCESS = 0.3


@dataclass(frozen=True)
class Mixed:
    """Two releases, mixed on both sides."""

    path: Path
    before: str
    after: str
    excess: float
    off_topic: float
    in_pairs: bool
    seed: int


def compare_mixed(task: Mixed) -> Outcome:
    """Return the outcome of output drift between two mixtures of releases."""
    releases = open_once(task.path)
    rng = np.random.default_rng(task.seed)
    order = rng.permutation(len(releases.prompts))
    rows, n = order[:N], min(N, len(order))
    later = rng.random(n) < 0.5 + 0.5 * task.excess
    own = rows.copy()
    n_off = round(task.off_topic * n)
    own[:n_off] = rng.choice(len(order), n_off)
    before, after = (releases.responses[name] for name in (task.before, task.after))
    columns = [
        replace(
            column,
            reference=np.where(later, column.reference[rows], column.current[rows]),
            current=np.where(later, column.current[place], column.reference[place]),
        )
        for column in columns_of(task.path, task.before, task.after)
        for place in (own if column.side == "response" else rows,)
    ]
    return compare_responses(
        [releases.prompts[rows]] * 2,
        [
            np.where(later[:, None], before[rows], after[rows]),
            np.where(later[:, None], after[own], before[own]),
        ],
        columns,
        match_pairs(rows, rows) if task.in_pairs else None,
        rng,
    )


def paired(
    pairs: Sequence[tuple[str, str]],
    path: Path,
    workers: TrialRunner,
    plan: DriftPlan,
    seed: int,
) -> Iterator[Figure]:
    """Yield the alarm rates of the same prompts, in pairs and without.

    ``pairs`` are those of releases, whose responses ``path`` holds.
    """
    for excess, off_topic, change in (
        (0.0, 0.0, "no change"),
        (0.0, OFF_TOPIC, f"{OFF_TOPIC:.0%} off topic"),
        (EXCESS, 0.0, f"{EXCESS:.0%} more of the later release"),
    ):
        # The first pair had a part in the choice of the statistics.
        used = pairs if change == "no change" else pairs[-2:]
        for in_pairs in (True, False):
            tasks = [
                Mixed(path, *used[k % len(used)], excess, off_topic, in_pairs, seed + k)
                for k in range(plan.release_trials)
            ]
            how = "in pairs" if in_pairs else "by similar prompts"
            outcomes = workers.run(
                compare_mixed, tasks, label=f"{change}, {how}", seconds=plan.row_seconds
            )
            trials = len(outcomes)
            hits = sum(outcome.p_value <= ALPHA for outcome in outcomes)
            name = f"the same prompts {how}, {change}"
            where = f"{N} prompts a side, seeds {seed}-{seed + trials - 1}"
            if change != "no change":
                yield share(f"output rejects at {ALPHA:g}, {name}", hits, trials, where)
                continue
            alarms = sum(outcome.alarm for outcome in outcomes)
            level = DEFAULT_LEVELS.output
            yield error_rate(f"output rejects at {ALPHA:g}, {name}", hits, trials, ALPHA, where)
            yield error_rate(f"responses alarm, {name}", alarms, trials, level, where)
