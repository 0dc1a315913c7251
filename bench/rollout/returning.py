"""Simulated users who come back for days, and meet the same version each time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.rollout.traffic import FAULTS, RATES, STABLE_PER_CANARY, TASK_TYPES
from retrain.rollout.checks.check import RolloutCheck, metric_check, share_check
from retrain.rollout.checks.observations import Observations, no_observations

Floats = NDArray[np.float64]

#: Weight of a version that the canary's rate moves by, per check.
RATES_OF_CHECKS = {**RATES, **FAULTS}


@dataclass(frozen=True)
class Population:
    """Users with their own rates, who come back hour after hour."""

    n_users: int = 1_000
    #: Probability that a user sends a request in an hour.
    activity: float = 0.2
    correlation: float = 0.2
    #: Rates of the canary that differ from stable's, from an hour on.
    canary: tuple[tuple[str, float], ...] = ()
    from_hour: int = 0
    #: Whether the evidence is told what the users did in earlier hours.
    with_past: bool = True

    def checks(self) -> list[RolloutCheck]:
        """Return the checks, whose levels are known from the weeks before."""
        return [
            share_check(name, level=rate)
            if name in FAULTS
            else metric_check(name, "advance", 0.0, 1.0, level=rate)
            for name, rate in RATES_OF_CHECKS.items()
        ]


class ReturningUsers:
    """The users of one rollout."""

    def __init__(self, population: Population, rng: np.random.Generator) -> None:
        self._population, self._rng = population, rng
        #: Places of users on the gateway's ring, and in the sample of stable.
        self._place, self._sample = rng.random((2, population.n_users))
        self._task_type = rng.choice(len(TASK_TYPES), population.n_users, p=TASK_TYPES)
        rates = np.array(list(RATES_OF_CHECKS.values()))
        size = (1.0 - population.correlation) / population.correlation
        self._rates = rng.beta(rates * size, (1.0 - rates) * size, (population.n_users, len(rates)))
        self._earlier = no_observations(len(rates))

    def draw_hour(
        self, hour: int, since: int, share: float
    ) -> tuple[Observations, Observations | None]:
        """Return the sampled requests of an hour, and those of the same users before."""
        population, rng = self._population, self._rng
        active = rng.random(population.n_users) < population.activity
        is_canary = self._place < share
        larger = max(share, 1.0 - share)
        rate = min(1.0, STABLE_PER_CANARY * min(share, 1.0 - share) / larger)
        in_larger = is_canary == (share > 0.5)
        user = np.flatnonzero(active & (~in_larger | (self._sample < rate)))
        rates = self._rates[user].copy()
        if since >= population.from_hour:
            for name, worse in population.canary:
                k = list(RATES_OF_CHECKS).index(name)
                rates[is_canary[user], k] *= worse / RATES_OF_CHECKS[name]
        observations = Observations(
            np.full(len(user), hour),
            is_canary[user],
            user,
            self._task_type[user],
            (rng.random(rates.shape) < np.minimum(rates, 1.0)).astype(np.float64),
        )
        known = np.zeros(population.n_users, dtype=np.bool_)
        known[user] = True
        past = self._earlier.take(known[self._earlier.user]) if population.with_past else None
        self._earlier = Observations(
            *(
                np.concatenate([before, new])
                for before, new in zip(
                    vars(self._earlier).values(), vars(observations).values(), strict=True
                )
            )
        )
        return observations, past
