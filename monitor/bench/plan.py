"""Sections of the benchmark, and plans for their numbers of trials."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from typing import Self


class Section(StrEnum):
    """The sections of the benchmark, in their order."""

    FALSE_ALARMS = "false-alarms"
    POWER = "power"
    LOCATION = "location"
    DRIFTED_SHARE = "drifted-share"
    SEEDS = "seeds"


@dataclass(frozen=True)
class Plan:
    """Numbers of trials, and the time that bounds them.

    A row of the table ends at its number of trials or after its time, whichever comes first, and
    reports the number of trials that ran. Trial k always has the seed ``seed + k``.
    """

    name: str
    #: Seconds after which a row starts no further trial.
    row_seconds: float
    null_trials: int
    power_trials: int
    location_trials: int
    #: Pairs of windows that are compared with 20 seeds.
    seed_trials: int
    #: Rows with larger windows are skipped.
    max_window: int

    def halve_time(self) -> Self:
        """Return the plan with half the time for each row."""
        return replace(self, row_seconds=self.row_seconds / 2)


QUICK = Plan(
    name="quick",
    row_seconds=2,
    null_trials=40,
    power_trials=20,
    location_trials=4,
    seed_trials=1,
    max_window=5_000,
)

DEFAULT = Plan(
    name="default",
    row_seconds=8,
    null_trials=100,
    power_trials=60,
    location_trials=12,
    seed_trials=2,
    max_window=20_000,
)

FULL = Plan(
    name="full",
    row_seconds=inf,
    null_trials=1_000,
    power_trials=300,
    location_trials=100,
    seed_trials=30,
    max_window=20_000,
)
