"""Sections and plans of the whole benchmark: two minutes, ten minutes, or hours."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf

from monitor.bench import plan as base_plan
from monitor.bench.plan import Plan


class Section(StrEnum):
    """The sections of the whole benchmark, in their order."""

    FALSE_ALARMS = base_plan.Section.FALSE_ALARMS.value
    POWER = base_plan.Section.POWER.value
    LOCATION = base_plan.Section.LOCATION.value
    DRIFTED_SHARE = base_plan.Section.DRIFTED_SHARE.value
    SEEDS = base_plan.Section.SEEDS.value
    OUTPUT = "output"
    RELEASE = "release"
    SLOW_DRIFT = "slow-drift"
    LOOKS = "looks"
    YEARS = "years"
    PEERS = "peers"
    SPEED = "speed"
    SCALING = "scaling"


@dataclass(frozen=True)
class DriftPlan(Plan):
    """Numbers of trials and times of the whole benchmark."""

    output_trials: int
    release_trials: int
    slow_trials: int
    #: Years of stable weeks.
    stable_years: int
    #: Years of stable weeks that are tested for slow drift only, at a thirtieth of the cost.
    watched_years: int
    #: Large changes of each kind, and years without drift.
    look_trials: int
    look_years: int
    #: Years of traffic with cycles and returning users, of weeks and of days, by the whole rule.
    drift_free_years: int
    #: Samples a side of the windows that all methods compare.
    peer_sizes: tuple[int, ...]
    peer_trials: int
    #: Seconds of one scenario with all methods.
    peer_seconds: float
    #: Whether the methods are compared on the second data set too.
    peers_twice: bool
    #: Samples a side at which the times of the methods are compared.
    speed_sizes: tuple[int, ...]
    #: Samples on both sides together.
    scaling_sizes: tuple[int, ...]
    #: Time limit of a timed call, in seconds.
    limit_seconds: float

    def limit_rows(self, seconds: float) -> "DriftPlan":
        """Return the plan with another time limit of the rows."""
        return replace(self, row_seconds=seconds, peer_seconds=seconds)

    def second(self) -> "DriftPlan":
        """Return the plan of the second data set, which has half the time."""
        return replace(
            self.halve_time(),
            peer_seconds=self.peer_seconds / 2,
            peer_sizes=self.peer_sizes if self.peers_twice else (),
        )


QUICK = DriftPlan(
    **vars(base_plan.QUICK),
    output_trials=4,
    release_trials=20,
    slow_trials=0,
    stable_years=0,
    watched_years=0,
    look_trials=0,
    look_years=0,
    drift_free_years=0,
    peer_sizes=(1_000,),
    peer_trials=4,
    peer_seconds=5,
    peers_twice=False,
    speed_sizes=(1_000,),
    scaling_sizes=(10_000, 20_000),
    limit_seconds=8,
)

DEFAULT = DriftPlan(
    **vars(base_plan.DEFAULT),
    output_trials=20,
    release_trials=60,
    slow_trials=12,
    stable_years=4,
    watched_years=20,
    look_trials=20,
    look_years=1,
    drift_free_years=4,
    peer_sizes=(1_000,),
    peer_trials=40,
    peer_seconds=15,
    peers_twice=True,
    speed_sizes=(1_000, 4_000, 10_000),
    scaling_sizes=(10_000, 50_000, 200_000),
    limit_seconds=20,
)

FULL = DriftPlan(
    **vars(base_plan.FULL),
    output_trials=600,
    release_trials=300,
    slow_trials=100,
    stable_years=20,
    watched_years=300,
    look_trials=200,
    look_years=20,
    drift_free_years=60,
    peer_sizes=(1_000, 4_000),
    peer_trials=100,
    peer_seconds=inf,
    peers_twice=True,
    speed_sizes=(1_000, 4_000, 10_000),
    scaling_sizes=(10_000, 50_000, 200_000, 1_000_000),
    limit_seconds=1_200,
)
