"""Forecast of a rollout: which advance checks can be shown in a stage's time at this traffic."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from monitor.statistics.betting import FITTED_SHARE, fitted_stake
from retrain.rollout.evidence import Evidence

#: Probability with which an equal version is shown within the forecast time.
PROBABILITY = 0.8


@dataclass(frozen=True)
class Forecast:
    """How long an advance check takes to be shown where the versions are equal.

    Attributes:
        check: Its name.
        n_pairs: Pairs after which it is shown in four of five rollouts; ``None`` while stable's
            level is unknown.
        hours: The same in hours; ``None`` where it is never measured or the level is unknown.
        can_be_shown: Whether that is within the stage's time.
    """

    check: str
    n_pairs: int | None
    hours: float | None
    can_be_shown: bool


def forecast_checks(
    evidence: Evidence,
    units_an_hour: Mapping[str, float],
    stage_hours: float,
    *,
    units_each: float = 4.0,
    variances: Mapping[str, float] | None = None,
) -> list[Forecast]:
    """Return a forecast for each advance check.

    Args:
        evidence: Of the rollout; its margins are used.
        units_an_hour: Users an hour of the smaller arm in whom each check's metric is measured.
        stage_hours: The stage's least time.
        units_each: Users of the larger arm for each of the smaller.
        variances: Variance of a user's hourly mean, by check, on the scale [0, 1]; without it, that
            of single requests that are 0 or 1, which is the largest.
    """
    forecasts = []
    for k, check in enumerate(evidence.checks):
        if check.kind != "advance":
            continue
        rate = units_an_hour.get(check.name, 0.0)
        margin = float(evidence.margins[k])
        if math.isnan(margin):
            forecasts.append(Forecast(check.name, None, None, can_be_shown=False))
            continue
        variance = (variances or {}).get(check.name, _largest_variance(evidence, k))
        n = pairs_to_show(
            margin, variance * (1.0 + 1.0 / units_each), evidence.tolerances.false_advances
        )
        hours = n / rate if rate > 0 else None
        forecasts.append(
            Forecast(check.name, n, hours, can_be_shown=hours is not None and hours <= stage_hours)
        )
    return forecasts


def pairs_to_show(margin: float, variance: float, alpha: float) -> int:
    r"""Return the pairs after which equal arms are shown to differ by less, in four of five cases.

    The logarithm of the wealth is about normal with mean :math:`n g` and variance :math:`n v`, of
    the fitted stake; it has to reach :math:`T` with probability :data:`PROBABILITY`.

    Args:
        margin: In (0, 1].
        variance: Of a pair's difference.
        alpha: Probability that a difference by the margin is called less.
    """
    stake = float(fitted_stake(np.array([margin]), np.array([variance]))[0])
    first = margin / (1.0 + margin)
    second = (variance + margin**2) / (1.0 + margin) ** 2
    growth = stake * first - stake**2 * second / 2.0
    spread = stake**2 * variance / (1.0 + margin) ** 2
    needed = math.log(1.0 / alpha) - math.log(FITTED_SHARE)
    z = float(special.ndtri(PROBABILITY))
    root = (z * math.sqrt(spread) + math.sqrt(z**2 * spread + 4.0 * growth * needed)) / (2 * growth)
    return math.ceil(root**2)


def _largest_variance(evidence: Evidence, k: int) -> float:
    level = float(evidence.checks[k].scale(np.array([evidence.level[k]]), np.inf)[0])
    if (quantile := evidence.checks[k].quantile) is not None:
        level = quantile
    return level * (1.0 - level)
