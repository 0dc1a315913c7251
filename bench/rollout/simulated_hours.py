"""Observations of simulated hours, for the benchmark of rollouts and for tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from monitor.store.tables import RolloutObservation
from monitor.store.traffic.position import Position
from retrain.rollout.rows.observations import ObservationRow, insert_observations
from retrain.rollout.rows.observed_rollout import Arm, arm_rates

#: Source of simulated observations.
SOURCE = "simulated"

#: Returns the measures of requests: from the generator, the arm of each request (``True``: canary)
#: and its user; each array is ``[n]``.
DrawMeasures = Callable[
    [np.random.Generator, NDArray[np.bool_], NDArray[np.int64]], Mapping[str, NDArray[np.float64]]
]
#: Returns prompt and response of a request with these measures.
Texts = Callable[[Arm, Mapping[str, float]], tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class SimulatedTraffic:
    """Traffic of two versions, routed stickily by end user, and observed as ingest does."""

    rollout_id: int
    model: str
    draw: DrawMeasures
    requests_per_hour: int = 2000
    #: End users of an hour; each keeps its version while the weight stays. 0: each request has its
    #: own.
    n_users: int = 0
    task_types: tuple[str, ...] = ("",)
    canary_rate: float = 1.0
    stable_per_canary: float = 4.0
    texts: Texts = lambda _arm, _measures: ("prompt", "response")

    def at_rates(self, canary_rate: float, stable_per_canary: float) -> "SimulatedTraffic":
        """Return the same traffic, observed at other rates."""
        return replace(self, canary_rate=canary_rate, stable_per_canary=stable_per_canary)


def write_hour(
    connection: Connection,
    traffic: SimulatedTraffic,
    hour: datetime,
    weight_percent: float,
    rng: np.random.Generator,
    *,
    set_percent: float | None = None,
) -> int:
    """Write the observations of an hour; return their number.

    Args:
        connection: A transaction.
        traffic: The traffic.
        hour: Start of the hour, UTC.
        weight_percent: The share of the canary that the gateway really has.
        rng: Of users, times and values.
        set_percent: The share that the database has, where it is another.
    """
    n = traffic.requests_per_hour
    users = rng.integers(traffic.n_users, size=n) if traffic.n_users else np.arange(n)
    # A user's place is fixed, so that users stay where they are while the weight rises.
    place = _places(traffic, users, hour)
    is_canary = place < weight_percent / 100.0
    planned = weight_percent if set_percent is None else set_percent
    rates = arm_rates(planned, traffic.canary_rate, traffic.stable_per_canary)
    chosen = _places(traffic, users, hour, salt=1)
    observed = np.flatnonzero(chosen < np.where(is_canary, rates["canary"], rates["stable"]))
    measures = traffic.draw(rng, is_canary[observed], users[observed])
    seconds = np.sort(rng.uniform(0, 3600, size=len(observed)))
    tasks = rng.integers(len(traffic.task_types), size=len(observed))
    first = _next_offset(connection)
    rows = []
    for number, request in enumerate(observed):
        arm: Arm = "canary" if is_canary[request] else "stable"
        values = {
            name: float(column[number])
            for name, column in measures.items()
            if not np.isnan(column[number])
        }
        prompt, response = traffic.texts(arm, values)
        occurred_at = hour + timedelta(seconds=float(seconds[number]))
        rows.append(
            ObservationRow(
                rollout_id=traffic.rollout_id,
                position=Position(SOURCE, 0, first + number),
                exchange_id=f"simulated-{first + number}",
                occurred_at=occurred_at,
                received_at=occurred_at,
                model=traffic.model,
                arm=arm,
                task_type=traffic.task_types[tasks[number]],
                end_user=f"user-{users[request]}" if traffic.n_users else "",
                inclusion_probability=rates[arm],
                prompt=prompt,
                response=response,
                measures=values,
            )
        )
    insert_observations(connection, rows)
    return len(rows)


def _places(
    traffic: SimulatedTraffic, users: NDArray[np.int64], hour: datetime, salt: int = 0
) -> NDArray[np.float64]:
    """Return a number in [0, 1) of each user, the same in each hour where users return."""
    seed = [traffic.rollout_id, salt]
    if not traffic.n_users:
        seed.append(int(hour.timestamp()))
    size = traffic.n_users or traffic.requests_per_hour
    return np.random.default_rng(seed).random(size)[users]


def _next_offset(connection: Connection) -> int:
    highest = select(func.max(RolloutObservation.offset)).where(RolloutObservation.source == SOURCE)
    newest = connection.execute(highest).scalar_one()
    return 0 if newest is None else int(newest) + 1
