"""Simulated requests of both arms of a rollout, with users whose requests are alike."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retrain.rollout.checks.check import RolloutCheck, latency_check, metric_check, share_check
from retrain.rollout.checks.observations import Observations

Floats = NDArray[np.float64]

#: Rates of the shares among the checks; in RATES 1 is good, in FAULTS 1 is bad.
RATES = {"resolved": 0.90, "grounded": 0.97, "valid": 0.99, "relevance": 0.95}
FAULTS = {"errors": 0.01, "refusals": 0.02}
#: The judge's score on a scale of 1 to 5, and the share of users that it scores.
JUDGE_MEAN, JUDGE_SPREAD, JUDGED = 4.2, 0.8, 0.25
#: Share of thumbs up in the feedback of users.
FEEDBACK = 0.80
#: Logarithm of the latency in seconds.
LATENCY_MEAN, LATENCY_SPREAD = 0.0, 0.5
#: Shares of the task types.
TASK_TYPES = np.array([0.5, 0.3, 0.2])
#: Sampled users of stable for each user of the canary.
STABLE_PER_CANARY = 4
#: Share of stable in the holdback.
HOLDBACK = 0.01


@dataclass(frozen=True)
class Traffic:
    """The properties of a rollout's requests."""

    requests_an_hour: int = 2_000
    #: Requests of a user, all in one hour, and their intraclass correlation.
    requests_a_user: int = 1
    correlation: float = 0.0
    #: Rates of the canary that differ from stable's, from an hour on.
    canary: dict[str, float] = field(default_factory=dict)
    from_hour: int = 0
    #: Rates of both arms at the end of the first 144 hours, where they move.
    moving_to: dict[str, float] = field(default_factory=dict)
    #: More checks, with rates of .95.
    n_more_checks: int = 0
    #: Share of requests with feedback, which becomes known later.
    feedback: float = 0.0
    #: Rates that stable has rather than those of RATES.
    stable: dict[str, float] = field(default_factory=dict)

    @property
    def rates(self) -> dict[str, float]:
        """Stable's rates at the start."""
        more = {f"metric {k}": 0.95 for k in range(1, self.n_more_checks + 1)}
        return {**RATES, **FAULTS, **more, **self.stable}

    def checks(self) -> list[RolloutCheck]:
        """Return the checks, whose levels are known from the weeks before."""
        judge = metric_check("judge", "advance", 1.0, 5.0, level=JUDGE_MEAN)
        rates = [
            share_check(name, level=rate)
            if name in FAULTS
            else metric_check(name, "advance", 0.0, 1.0, level=rate)
            for name, rate in self.rates.items()
        ]
        slow = float(np.exp(LATENCY_MEAN + 1.6448536 * LATENCY_SPREAD))
        checks = [*rates, latency_check(slow), judge]
        if self.feedback:
            checks.append(metric_check("feedback", "revert_only", 0.0, 1.0, level=FEEDBACK))
        return checks


def draw_hour(
    traffic: Traffic, hour: int, since: int, share: float, rng: np.random.Generator
) -> Observations:
    """Return the sampled requests of an hour.

    Args:
        traffic: What they are like.
        hour: Since 1970.
        since: Hours since the start of the rollout.
        share: Share of the canary, in (0, 1).
        rng: The generator.
    """
    arms = np.array([1.0 - share, share])
    fewer = int(arms.argmin())
    sampled = np.minimum(arms, STABLE_PER_CANARY * arms[fewer])
    users = rng.poisson(traffic.requests_an_hour / traffic.requests_a_user * sampled)
    is_canary = np.repeat([False, True], users)
    user = np.repeat(np.arange(len(is_canary)), traffic.requests_a_user)
    values = draw_values(traffic, since, is_canary, user, rng)
    return Observations(
        hour=np.full(len(user), hour),
        is_canary=is_canary[user],
        user=user,
        task_type=rng.choice(len(TASK_TYPES), len(is_canary), p=TASK_TYPES)[user],
        values=values,
    )


def draw_values(
    traffic: Traffic,
    since: int,
    is_canary: NDArray[np.bool_],
    user: NDArray[np.int64],
    rng: np.random.Generator,
) -> Floats:
    """Return the values of requests, ``[requests, checks]``.

    Args:
        traffic: What they are like.
        since: Hours since the start of the rollout.
        is_canary: ``[users]``.
        user: ``[requests]``: the user of each, from 0.
        rng: The generator.
    """
    n_rates = len(traffic.rates)
    values = np.full((len(user), len(traffic.checks())), np.nan)
    for k, (name, rate) in enumerate(traffic.rates.items()):
        current = _moved(rate, traffic.moving_to.get(name), since)
        own = np.full(len(is_canary), current)
        if name in traffic.canary and since >= traffic.from_hour:
            own[is_canary] = traffic.canary[name] * current / rate
        values[:, k] = rng.random(len(user)) < _rates_of_users(own, traffic, rng)[user]
    values[:, n_rates] = np.exp(
        LATENCY_MEAN + LATENCY_SPREAD * _scores(traffic, user, is_canary, rng)
    )
    slower = traffic.canary.get("latency")
    if slower is not None:
        values[is_canary[user], n_rates] *= slower
    judge = JUDGE_MEAN + JUDGE_SPREAD * _scores(traffic, user, is_canary, rng)
    values[:, n_rates + 1] = np.clip(np.round(judge), 1.0, 5.0)
    values[~(rng.random(len(is_canary)) < JUDGED)[user], n_rates + 1] = np.nan
    return values


def _moved(rate: float, end: float | None, since: int) -> float:
    return rate if end is None else rate + (end - rate) * min(since / 144.0, 1.0)


def _rates_of_users(rates: Floats, traffic: Traffic, rng: np.random.Generator) -> Floats:
    """Draw each user's rate, of a beta distribution with the intraclass correlation."""
    if traffic.correlation == 0.0:
        return rates
    size = (1.0 - traffic.correlation) / traffic.correlation
    return rng.beta(rates * size, (1.0 - rates) * size)


def _scores(
    traffic: Traffic,
    user: NDArray[np.int64],
    is_canary: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Floats:
    """Draw standard normal scores with the intraclass correlation."""
    own, shared = np.sqrt([1.0 - traffic.correlation, traffic.correlation])
    scores = own * rng.standard_normal(len(user))
    if shared:
        scores += shared * rng.standard_normal(len(is_canary))[user]
    return np.asarray(scores)
