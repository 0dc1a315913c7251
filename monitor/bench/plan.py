"""What is measured, and how much of it: in two minutes, in ten, or as long as it takes."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf


class Section(StrEnum):
    """The parts of the benchmark, in their order."""

    FALSE_ALARMS = "false-alarms"
    POWER = "power"
    LOCATION = "location"
    MASS = "mass"
    OUTPUT = "output"
    RELEASE = "release"
    SLOW_DRIFT = "slow-drift"
    PEERS = "peers"
    SPEED = "speed"
    SCALING = "scaling"


@dataclass(frozen=True)
class Plan:
    """Numbers of trials, and the time that bounds them.

    A row of the table ends at its number of trials or, at a whole trial, when its time is over,
    whichever comes first; it says how many there were. Trial k always has the seed ``seed + k``.
    """

    name: str
    #: Seconds after which a row begins no further trial.
    row_seconds: float
    null_trials: int
    power_trials: int
    location_trials: int
    output_trials: int
    release_trials: int
    slow_trials: int
    #: Years of stable weeks.
    stable_years: int
    #: Years of stable weeks that are watched for slow drift only, which costs a thirtieth.
    watched_years: int
    #: Rows with larger windows are left out.
    largest_window: int
    #: Samples a side of the windows that all methods see.
    peer_sizes: tuple[int, ...]
    peer_trials: int
    #: Seconds of one scenario with all methods.
    peer_seconds: float
    #: Whether the methods are compared on the second data set too.
    peers_twice: bool
    #: Samples a side at which the methods' times are compared.
    speed_sizes: tuple[int, ...]
    #: Samples on both sides together.
    scaling_sizes: tuple[int, ...]
    #: A timed call is given up after this.
    limit_seconds: float

    def second(self) -> "Plan":
        """Return the plan of the second data set, which has half the time."""
        return replace(
            self,
            row_seconds=self.row_seconds / 2,
            peer_seconds=self.peer_seconds / 2,
            peer_sizes=self.peer_sizes if self.peers_twice else (),
        )


QUICK = Plan(
    name="quick",
    row_seconds=2,
    null_trials=40,
    power_trials=20,
    location_trials=4,
    output_trials=4,
    release_trials=20,
    slow_trials=0,
    stable_years=0,
    watched_years=0,
    largest_window=5_000,
    peer_sizes=(1_000,),
    peer_trials=4,
    peer_seconds=5,
    peers_twice=False,
    speed_sizes=(1_000,),
    scaling_sizes=(10_000, 20_000),
    limit_seconds=8,
)

DEFAULT = Plan(
    name="default",
    row_seconds=8,
    null_trials=100,
    power_trials=60,
    location_trials=12,
    output_trials=20,
    release_trials=60,
    slow_trials=12,
    stable_years=4,
    watched_years=20,
    largest_window=20_000,
    peer_sizes=(1_000,),
    peer_trials=40,
    peer_seconds=15,
    peers_twice=True,
    speed_sizes=(1_000, 4_000, 10_000),
    scaling_sizes=(10_000, 50_000, 200_000),
    limit_seconds=20,
)

FULL = Plan(
    name="full",
    row_seconds=inf,
    null_trials=1_000,
    power_trials=300,
    location_trials=100,
    output_trials=600,
    release_trials=300,
    slow_trials=100,
    stable_years=20,
    watched_years=300,
    largest_window=20_000,
    peer_sizes=(1_000, 4_000),
    peer_trials=100,
    peer_seconds=inf,
    peers_twice=True,
    speed_sizes=(1_000, 4_000, 10_000),
    scaling_sizes=(10_000, 50_000, 200_000, 1_000_000),
    limit_seconds=1_200,
)
