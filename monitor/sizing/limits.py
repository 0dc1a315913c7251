"""Limits of the design: the traffic at which each part saturates, and what to do then."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from monitor.sizing.constants import Constants
from monitor.sizing.evaluation import (
    evaluation_memory,
    evaluation_seconds,
    evaluations_of_a_week,
    looks_of_a_week,
)
from monitor.sizing.load import DAY_SECONDS, MAX_NUMBER, TARGET_LOAD, WEEK_DAYS, Load
from monitor.sizing.storage import (
    database_disk,
    observations_disk,
    retention_seconds,
    server_cores,
    server_cores_in_rollout,
)
from monitor.sizing.traffic import (
    embedding_cores,
    ingest_cores,
    reading_cores,
    replicas_for_load,
    rollout_cores,
)

#: Memory of the machine of the leader that an evaluation may take.
EVALUATION_BYTES = 16e9
#: Steps of a bisection over 36 powers of ten: to one part in a thousand.
STEPS = 60

Usage = Callable[[Load, Constants], float]


@dataclass(frozen=True)
class LimitedPart:
    """A part that saturates where its usage exceeds its capacity."""

    name: str
    #: What it is that is used up.
    quantity: str
    usage: Usage
    capacity: Callable[[Load], float]
    advice: str
    #: Whether a lower sample rate relieves it.
    is_of_sample: bool = True
    applies: Callable[[Load], bool] = lambda _load: True


@dataclass(frozen=True)
class Limit:
    """A part, and the traffic at which it saturates with all else as it is."""

    part: str
    quantity: str
    usage: float
    capacity: float
    #: ``None``: beyond every number.
    requests_per_day: float | None
    is_exceeded: bool
    advice: str


PARTS = (
    LimitedPart(
        "one evaluation",
        "CPU seconds, against 60% of monitoring.max_evaluation_time",
        evaluation_seconds,
        lambda load: load.max_evaluation_seconds * TARGET_LOAD,
        "lower the sample rate",
    ),
    LimitedPart(
        "memory of an evaluation",
        f"bytes against {EVALUATION_BYTES / 1e9:.0f} GB",
        evaluation_memory,
        lambda _load: EVALUATION_BYTES,
        "lower the sample rate",
    ),
    LimitedPart(
        "the leader's evaluations and looks",
        "CPU seconds of a week against one core",
        lambda load, constants: (
            evaluations_of_a_week(load, constants) + looks_of_a_week(load, constants)
        ),
        lambda _load: WEEK_DAYS * DAY_SECONDS * TARGET_LOAD,
        'lower the sample rate; monitoring.large_changes = "daily"; weekly windows',
    ),
    LimitedPart(
        "retention",
        "CPU seconds of a day for removing expired exchanges, one after the other",
        retention_seconds,
        lambda _load: DAY_SECONDS * TARGET_LOAD,
        "lower the sample rate",
        applies=lambda load: load.exchange_days is not None,
    ),
    LimitedPart(
        "the database's cores",
        "cores in the busiest hour",
        server_cores,
        lambda load: load.database_cores * TARGET_LOAD,
        "lower the sample rate; more cores (--database-cores)",
        applies=lambda load: load.database == "postgresql",
    ),
    LimitedPart(
        "the database's cores during a rollout",
        "cores in the busiest hour of the stage that observes the most",
        server_cores_in_rollout,
        lambda load: load.database_cores * TARGET_LOAD,
        "lower rollout.canary_rate",
        is_of_sample=False,
        applies=lambda load: load.database == "postgresql",
    ),
    LimitedPart(
        "the database's disk",
        "bytes, without observations",
        lambda load, constants: database_disk(load, constants) - observations_disk(load, constants),
        lambda load: load.database_disk_bytes,
        "lower the sample rate or retention.exchanges; more disk (--database-disk)",
    ),
    LimitedPart(
        "disk of a rollout's observations",
        "bytes",
        observations_disk,
        lambda load: load.database_disk_bytes,
        "lower rollout.canary_rate or retention.observations; more disk (--database-disk)",
        is_of_sample=False,
    ),
    LimitedPart(
        "embedding on CPUs",
        "cores in the busiest hour",
        embedding_cores,
        lambda load: load.ingest_cores * TARGET_LOAD,
        "lower the sample rate; embed on GPUs (--gpu); more cores (--ingest-cores)",
        applies=lambda load: load.gpu_tokens_per_second is None,
    ),
    LimitedPart(
        "reading the topic",
        "cores in the busiest hour, sampled or not",
        reading_cores,
        lambda load: load.ingest_cores * TARGET_LOAD,
        "more partitions, replicas and cores (--ingest-cores); the sample rate doesn't help",
        is_of_sample=False,
    ),
    LimitedPart(
        "ingest's cores during a rollout",
        "cores in the busiest hour of the stage that observes the most",
        lambda load, constants: ingest_cores(load, constants) + rollout_cores(load, constants),
        lambda load: load.ingest_cores * TARGET_LOAD,
        "set traffic.version_header; lower rollout.canary_rate; more partitions, replicas and "
        "cores (--ingest-cores)",
        is_of_sample=False,
    ),
    LimitedPart(
        "one process on SQLite",
        "ingest processes",
        replicas_for_load,
        lambda _load: 1.0,
        "use PostgreSQL",
        is_of_sample=False,
        applies=lambda load: load.database == "sqlite",
    ),
    LimitedPart(
        "partitions of the topic",
        "ingest processes, of which each needs a partition",
        replicas_for_load,
        lambda load: math.inf if load.partitions is None else float(load.partitions),
        "more partitions (--partitions), or more cores a replica (--cores-per-replica)",
        is_of_sample=False,
        applies=lambda load: load.partitions is not None,
    ),
)


def limits(load: Load, constants: Constants) -> tuple[Limit, ...]:
    """Return the limit of each part that applies, the one that saturates first before the rest."""
    results = []
    for part in PARTS:
        if not part.applies(load):
            continue
        usage, capacity = part.usage(load, constants), part.capacity(load)
        results.append(
            Limit(
                part.name,
                part.quantity,
                usage,
                capacity,
                _saturation(part, load, constants),
                usage > capacity,
                part.advice,
            )
        )
    return tuple(sorted(results, key=_order))


def largest_sample_rate(load: Load, constants: Constants) -> float | None:
    """Return the largest sample rate, if any, that each part carries that a lower one relieves."""
    parts = [part for part in PARTS if part.is_of_sample and part.applies(load)]

    def carries(rate: float) -> bool:
        changed = replace(load, sample_rate=rate)
        return all(part.usage(changed, constants) <= part.capacity(changed) for part in parts)

    return _bisect(carries, 1e-18, 1.0)


def _order(limit: Limit) -> float:
    return math.inf if limit.requests_per_day is None else limit.requests_per_day


def _saturation(part: LimitedPart, load: Load, constants: Constants) -> float | None:
    def carries(requests: float) -> bool:
        changed = replace(load, requests_per_day=requests)
        return part.usage(changed, constants) <= part.capacity(changed)

    largest = _bisect(carries, 1.0 / MAX_NUMBER, MAX_NUMBER)
    if largest == MAX_NUMBER:
        return None
    return largest or 0.0


def _bisect(carries: Callable[[float], bool], least: float, most: float) -> float | None:
    """Return the largest value at which a falling condition holds; ``None``: at none."""
    if carries(most):
        return most
    if not carries(least):
        return None
    for _ in range(STEPS):
        middle = math.sqrt(least) * math.sqrt(most)
        least, most = (middle, most) if carries(middle) else (least, middle)
    return least
