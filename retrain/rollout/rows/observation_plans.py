"""Rollouts and experiments whose exchanges are observed, and the labels of their versions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, select
from sqlalchemy.orm import aliased

from monitor.store.leadership import current_lease, database_time
from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import ModelVersion, Rollout

Arm = Literal["canary", "stable"]

#: Raised rates end where nobody has led for so long: nobody would act on what is observed.
MAX_TIME_WITHOUT_LEADER = timedelta(hours=1)


@dataclass(frozen=True)
class ObservedRollout:
    """An open rollout or experiment with the numbers of its versions."""

    id: int
    model: str
    canary: int
    stable: int
    #: The canary's wanted share of the traffic.
    weight_percent: int
    started_at: datetime


def observed_rollouts(connection: Connection) -> list[ObservedRollout]:
    """Return the open rollouts and experiments; none where nobody has led for an hour."""
    canary, stable = aliased(ModelVersion), aliased(ModelVersion)
    columns = columns_of(ObservedRollout, Rollout, canary=canary.version, stable=stable.version)
    statement = (
        select(*columns)
        .join(canary, canary.id == Rollout.version_id)
        .join(stable, stable.id == Rollout.stable_version_id)
        .where(Rollout.finished_at.is_(None))
        .order_by(Rollout.id)
    )
    rollouts = read_rows(connection, ObservedRollout, statement)
    if not rollouts:
        return []
    lease = current_lease(connection)
    earliest = database_time(connection) - MAX_TIME_WITHOUT_LEADER
    return [
        rollout
        for rollout in rollouts
        if (rollout.started_at if lease is None else lease.expires_at) >= earliest
    ]


def arm_rates(
    weight_percent: float, canary_rate: float, stable_per_canary: float
) -> dict[Arm, float]:
    """Return the rate of each arm: the smaller arm's, and some units of the larger for each of it.

    >>> arm_rates(20, 0.5, 2)
    {'canary': 0.5, 'stable': 0.25}
    """
    canary, stable = weight_percent / 100.0, 1.0 - weight_percent / 100.0
    smaller, larger = sorted((canary, stable))
    rate = canary_rate if smaller > 0 else 0.0
    of_larger = min(1.0, rate * stable_per_canary * smaller / larger)
    if canary == stable:
        return {"canary": rate, "stable": rate}
    return {
        "canary": rate if canary < stable else of_larger,
        "stable": rate if stable < canary else of_larger,
    }
