"""Forecasts: which advance checks can be shown in a stage's time at this traffic."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from monitor.statistics.betting import FITTED_SHARE, fitted_stake
from retrain.rollout.checks.check import UNITS_EACH, RolloutCheck
from retrain.rollout.checks.evidence import RolloutEvidence, Tolerances

#: Probability with which an equal version is shown within the forecast time.
PROBABILITY = 0.8


@dataclass(frozen=True)
class Forecast:
    """How long an advance check takes from the stage's start where the versions are equal."""

    check: str
    #: Pairs after which it is shown in four of five rollouts; unknown while stable's level is.
    n_pairs: int | None
    #: The same in hours; ``None`` where it is not measured, too.
    hours: float | None
    #: Whether that is within the stage's time.
    can_be_shown: bool


@dataclass(frozen=True)
class StartForecast:
    """The forecast of a rollout before it starts."""

    #: Of the model; 0 where the sample is too small to tell.
    requests_per_hour: float
    #: Weight of the canary at the first stage.
    percent: float
    #: Least time of the first stage.
    stage_hours: float
    #: ``hours`` is ``None`` where the sample has too few values.
    checks: tuple[Forecast, ...]
    #: Metric with a direction that has no check -> why.
    not_compared: Mapping[str, str]


def forecast_stage(evidence: RolloutEvidence, n_hours: float, stage_hours: float) -> list[Forecast]:
    """Return a forecast for each advance check.

    Pace and variance are those of its pairs in ``n_hours``; its least time is ``stage_hours``.
    """
    forecasts = []
    for k, check in enumerate(evidence.checks):
        if check.kind != "advance":
            continue
        margin, n = float(evidence.margins[k]), None
        if not math.isnan(margin):
            n = pairs_to_show(
                margin, float(evidence.variances[k]), evidence.tolerances.false_advances
            )
        pace = evidence.sums[evidence.stage, k, 0] / n_hours if n_hours > 0 else 0.0
        hours = n / pace if n is not None and pace > 0 else None
        forecasts.append(
            Forecast(check.name, n, hours, can_be_shown=hours is not None and hours <= stage_hours)
        )
    return forecasts


def pairs_to_show(margin: float, variance: float, alpha: float) -> int:
    r"""Return the pairs after which four of five equal arms are shown to differ by less.

    The logarithm of the wealth is about normal with mean :math:`n g` and variance :math:`n v`,
    those of the fitted stake on a rare fault of that variance. It has to reach :math:`T` with
    probability :data:`PROBABILITY`; it may have reached it before, so this is rather too many.
    ``margin`` is in (0, 1]; ``alpha`` the probability that a difference by it is called less.
    """
    good = (1.0 + math.sqrt(max(0.0, 1.0 - 4.0 * variance / (1.0 + 1.0 / UNITS_EACH)))) / 2.0
    n_stable = np.arange(UNITS_EACH + 1)
    probabilities = np.outer(stats.binom.pmf(n_stable, UNITS_EACH, good), [1.0 - good, good])
    losses = n_stable[:, None] / UNITS_EACH - np.array([0.0, 1.0])
    stake = fitted_stake(np.array([margin]), np.array([variance]))[0]
    logs = np.log1p(stake * (margin - losses) / (1.0 + margin))
    growth = float((probabilities * logs).sum())
    spread = float((probabilities * logs**2).sum()) - growth**2
    needed = math.log(1.0 / alpha) - math.log(FITTED_SHARE)
    z = float(special.ndtri(PROBABILITY))
    root = (z * math.sqrt(spread) + math.sqrt(z**2 * spread + 4.0 * growth * needed)) / (2 * growth)
    return math.ceil(root**2)


def pairs_at_level(check: RolloutCheck, level: float, tolerances: Tolerances) -> int:
    """Return the pairs after which equal arms are shown to differ by less, before any is seen.

    The check is of kind ``advance`` or a candidate for it; the level stable's mean, in its unit.
    """
    margin = check.tolerance(tolerances.margin, tolerances.points, level)
    return pairs_to_show(margin, check.pair_variance(level), tolerances.false_advances)
