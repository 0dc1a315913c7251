"""Seeds: whether a pair of windows has the same verdict with every seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, missing, share
from monitor.bench.labelled import open_labelled
from monitor.bench.windows import WindowSpec, draw_windows
from monitor.drift import compare
from monitor.settings import Drift
from monitor.statistics.alarm_levels import DEFAULT_LEVELS

#: Drift that alarms in about half of the windows.
ROWS = (
    WindowSpec("oos", 1_000, 1_000, 0.04),
    WindowSpec("topic", 1_000, 1_000, 0.02),
    WindowSpec("oos", 3_000, 3_000, 0.015),
    WindowSpec("topic", 3_000, 3_000, 0.01),
    WindowSpec("oos", 7_000, 7_000, 0.01),
    WindowSpec("topic", 7_000, 7_000, 0.007),
)
N_SEEDS = 20
#: Seeds with the same verdict.
LEAST_EQUAL = 19
#: Standard errors of a p-value from random permutations.
MONTE_CARLO_ERRORS = 2.0


@dataclass(frozen=True)
class SeedTrial:
    """A pair of windows that is compared with several seeds."""

    folder: Path
    spec: WindowSpec
    seed: int


class SeedOutcome(msgspec.Struct, frozen=True, array_like=True):
    """The results of one pair of windows with every seed."""

    p_values: tuple[float, ...]
    estimates: tuple[float, ...]
    alarms: int

    @property
    def is_equal(self) -> bool:
        """Return whether enough seeds have the same verdict."""
        return max(self.alarms, len(self.p_values) - self.alarms) >= LEAST_EQUAL

    @property
    def is_near_level(self) -> bool:
        """Return whether the p-value lies within its Monte Carlo error of the level."""
        level = DEFAULT_LEVELS.input
        error = np.sqrt(level * (1.0 - level) / Drift().n_permutations)
        distance = abs(float(np.mean(self.p_values)) - level)
        return bool(distance <= MONTE_CARLO_ERRORS * error)


def run_seed_trial(trial: SeedTrial) -> SeedOutcome:
    """Return the results of a pair of windows with every seed."""
    data, drift = open_labelled(trial.folder), Drift()
    windows = draw_windows(data, trial.spec, np.random.default_rng(trial.seed))
    results = [
        compare(
            data.vectors[windows.reference],
            data.vectors[windows.current],
            alpha=DEFAULT_LEVELS.input,
            minimum_drifted_share=drift.min_drifted_share,
            n_permutations=drift.n_permutations,
            rng=np.random.default_rng([seed, 0]),
            locate=False,
        )
        for seed in range(N_SEEDS)
    ]
    return SeedOutcome(
        p_values=tuple(result.p_value for result in results),
        estimates=tuple(round(result.drifted_share, 6) for result in results),
        alarms=sum(result.verdict == "drift" for result in results),
    )


def seeds(campaign: Campaign) -> Iterator[Figure]:
    """Yield the share of pairs of windows whose verdict does not depend on the seed."""
    for spec in ROWS:
        name = f"verdict the same for {LEAST_EQUAL} of {N_SEEDS} seeds, {spec.drift}, {spec.sizes}"
        if why := campaign.skip_reason(spec):
            yield missing(name, why, at_least=1.0)
            continue
        tasks = [
            SeedTrial(campaign.folder, spec, campaign.seed + k)
            for k in range(campaign.plan.seed_trials)
        ]
        own = campaign.workers.run(
            run_seed_trial,
            tasks,
            label=f"{campaign.name}: {name}",
            seconds=campaign.plan.row_seconds,
        )
        hits = sum(outcome.is_equal or outcome.is_near_level for outcome in own)
        yield share(name, hits, len(own), _describe(campaign, own), at_least=1.0)


def _describe(campaign: Campaign, outcomes: list[SeedOutcome]) -> str:
    excused = sum(outcome.is_near_level and not outcome.is_equal for outcome in outcomes)
    return (
        f"{campaign.seeds(len(outcomes))}; {excused} counted because the p-value is within its "
        "Monte Carlo error of the level"
    )
