"""Output drift: power where the responses changed, false alarms where only the prompts did.

The response to a prompt is a random one of the ten samples nearest to it: P(y | x) is known, and
equal in both windows unless off-topic responses are planted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.drift.plan import DriftPlan
from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, error_rate, missing, share
from monitor.bench.labelled import open_labelled
from monitor.bench.windows import WindowSpec, draw_windows
from monitor.drift import compare_given
from monitor.drift.neighbours.cell_search import nearest_in_cells

N = 4_000
N_NEAR = 10
N_PERMUTATIONS = 1_999
ALPHA = 0.05
#: Samples a side of the windows in which all prompts move a little.
N_TILTED = 7_000
#: Standard deviations of the prompts' density ratio, on a logarithmic scale.
TILT = 0.7
OFF_TOPIC = 0.05
POWER_GOAL = 0.99
ONLY_PROMPTS = (
    WindowSpec("surge", N, N, 0.10),
    WindowSpec("domain", N, N, 0.05),
    WindowSpec("oos", N, N, 0.10),
)


@dataclass(frozen=True)
class OutputTrial:
    """A pair of windows, with the share of off-topic responses."""

    folder: Path
    spec: WindowSpec
    #: Share of the current responses that are unrelated to their prompts.
    off_topic: float
    seed: int


def output_p_value(task: OutputTrial) -> float:
    """Return the p-value of output drift of a pair of windows."""
    data = open_labelled(task.folder)
    rng = np.random.default_rng(task.seed)
    windows = draw_windows(data, task.spec, rng)
    sides = windows.reference, windows.current
    return _respond_and_compare(task.folder, sides, rng, off_topic=task.off_topic)


@dataclass(frozen=True)
class TiltedTrial:
    """A pair of windows whose second is tilted towards one kind of prompts."""

    folder: Path
    n: int
    tilt: float
    seed: int


def tilted_p_value(task: TiltedTrial) -> float:
    """Return the p-value where the second window draws prompts by a smooth function of them."""
    vectors = np.asarray(open_labelled(task.folder).vectors)
    rng = np.random.default_rng(task.seed)
    ends = vectors[rng.choice(len(vectors), size=2, replace=False)].astype(np.float64)
    place = vectors @ (ends[1] - ends[0])
    weight = np.exp(task.tilt * (place - place.mean()) / place.std())
    reference = rng.choice(len(vectors), size=task.n, replace=False)
    left = np.setdiff1d(np.arange(len(vectors)), reference)
    shares = weight[left] / weight[left].sum()
    current = rng.choice(left, size=task.n, replace=False, p=shares)
    return _respond_and_compare(task.folder, (reference, current), rng)


def _respond_and_compare(
    folder: Path,
    sides: tuple[NDArray[np.int64], NDArray[np.int64]],
    rng: np.random.Generator,
    *,
    off_topic: float = 0.0,
) -> float:
    """Draw responses to the prompts of each side, some off topic, and return the p-value."""
    vectors, near = open_labelled(folder).vectors, _near(folder)
    responses = [near[rows, rng.integers(N_NEAR, size=len(rows))] for rows in sides]
    n_off = round(off_topic * len(sides[1]))
    responses[1][:n_off] = rng.integers(len(vectors), size=n_off)
    return compare_given(
        vectors[sides[0]],
        vectors[responses[0]],
        vectors[sides[1]],
        vectors[responses[1]],
        alpha=ALPHA,
        rng=rng,
        n_permutations=N_PERMUTATIONS,
    ).p_value


def output(campaign: Campaign, plan: DriftPlan) -> Iterator[Figure]:
    """Yield the alarm rates with and without a change of the responses."""
    for spec in (WindowSpec("none", N, N), *ONLY_PROMPTS):
        moved = "nothing moved"
        if spec in ONLY_PROMPTS:
            moved = f"only the prompts moved: {spec.drift}"
        name = f"output alarms at {ALPHA:g}, {moved}, {spec.sizes}"
        if why := campaign.skip_reason(spec):
            yield missing(name, why)
            continue
        p_values = _measure(campaign, plan, spec, 0.0)
        hits = sum(p <= ALPHA for p in p_values)
        yield error_rate(name, hits, len(p_values), ALPHA, campaign.seeds(len(p_values)))
    yield from _tilted(campaign, plan)
    spec = WindowSpec("none", N, N)
    name = f"output alarms at {ALPHA:g}, {OFF_TOPIC:.0%} off-topic responses, {spec.sizes}"
    goal = campaign.power_goal(POWER_GOAL)
    if why := campaign.skip_reason(spec):
        yield missing(name, why, at_least=goal)
        return
    p_values = _measure(campaign, plan, spec, OFF_TOPIC)
    hits = sum(p <= ALPHA for p in p_values)
    yield share(name, hits, len(p_values), campaign.seeds(len(p_values)), at_least=goal)


def _tilted(campaign: Campaign, plan: DriftPlan) -> Iterator[Figure]:
    """Yield the alarm rate where the whole window is tilted towards one kind of prompts."""
    spec = WindowSpec("none", N_TILTED, N_TILTED)
    name = f"output alarms at {ALPHA:g}, only the prompts moved: all tilted one way, {spec.sizes}"
    if why := campaign.skip_reason(spec):
        yield missing(name, why)
        return
    p_values = campaign.workers.run(
        tilted_p_value,
        [
            TiltedTrial(campaign.folder, N_TILTED, TILT, campaign.seed + k)
            for k in range(max(plan.output_trials // 4, 1))
        ],
        label=f"{campaign.name}: output, all prompts tilted one way",
        seconds=plan.row_seconds,
    )
    hits = sum(p <= ALPHA for p in p_values)
    yield error_rate(name, hits, len(p_values), ALPHA, campaign.seeds(len(p_values)))


def _measure(
    campaign: Campaign, plan: DriftPlan, spec: WindowSpec, off_topic: float
) -> list[float]:
    return campaign.workers.run(
        output_p_value,
        [
            OutputTrial(campaign.folder, spec, off_topic, campaign.seed + k)
            for k in range(plan.output_trials)
        ],
        label=f"{campaign.name}: output, {spec.drift}, {off_topic:.0%} off-topic",
        seconds=plan.row_seconds,
    )


@lru_cache(maxsize=2)
def _near(folder: Path) -> NDArray[np.int64]:
    """Return the rows near each row of a data set, int64 ``[n, N_NEAR]``."""
    vectors = np.asarray(open_labelled(folder).vectors)
    owners = np.arange(len(vectors))
    return nearest_in_cells(vectors, owners, N_NEAR, np.random.default_rng(0)).index
