"""Plan of faults and kills, determined by the seed."""

import random
from dataclasses import dataclass

from tests.soak.marks import EMBEDDING, PHASES, STARTING

#: Every kind of fault besides SIGKILL; a round holds each once.
FAULTS = (
    "replicas join",
    "replicas leave by SIGTERM",
    "replicas leave by SIGKILL",
    "broker stopped and started",
    "broker killed and started",
    "PostgreSQL stopped and started",
    "connections to PostgreSQL cut",
    "consumer held past its poll interval",
    "process frozen past its session",
    "retention cut while nobody runs",
    "retention cut under load",
)
#: Seconds of a plan for each of its rounds: a fault lasts some 10 s itself.
ROUND_SECONDS = 130.0


@dataclass(frozen=True)
class Fault:
    """A fault with its time."""

    at_seconds: float
    kind: str
    #: Uniform in [0, 1): whom it strikes, how long it lasts.
    pick: float


@dataclass(frozen=True)
class Kill:
    """A SIGKILL of a daemon."""

    at_seconds: float
    #: The phase to hit, an index into `PHASES`; ``None``: whatever it does once it has started.
    aim: int | None
    pick: float


@dataclass(frozen=True)
class Plan:
    """The plan of a run."""

    seed: int
    seconds: float
    faults: list[Fault]
    kills: list[Kill]


def make_plan(seed: int, *, seconds: float, n_kills: int) -> Plan:
    """Spread kills and rounds of faults over the time, each at a random moment of its interval."""
    rng = random.Random(f"{seed}/plan")
    n_rounds = max(1, int(seconds / ROUND_SECONDS))
    kinds = [kind for _ in range(n_rounds) for kind in rng.sample(FAULTS, len(FAULTS))]
    fault_share, kill_share = seconds / len(kinds), seconds / max(n_kills, 1)
    faults = [
        Fault((index + rng.random()) * fault_share, kind, rng.random())
        for index, kind in enumerate(kinds)
    ]
    aims = [STARTING, None, None, *range(EMBEDDING, len(PHASES))]
    kills = [
        Kill((index + rng.random()) * kill_share, rng.choice(aims), rng.random())
        for index in range(n_kills)
    ]
    return Plan(seed, seconds, faults, kills)
