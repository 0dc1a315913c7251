"""Confidence intervals and tests of proportions and means."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import special, stats

from monitor.statistics.mover import Limits, difference_limits

Interval = tuple[float, float]


def wilson_limits(share: float, n: float, quantile: float) -> Interval:
    """Return Wilson's score limits of a proportion.

    The number of trials is above 0; an effective number may be fractional. The quantile is of the
    standard normal distribution, or of Student's where ``n`` is estimated.

    Reference: Wilson, JASA 1927.
    """
    squared = quantile**2
    middle = (n * share + squared / 2.0) / (n + squared)
    half = math.sqrt(squared * (n * share * (1.0 - share) + squared / 4.0)) / (n + squared)
    # Rounding alone may put a limit on the wrong side of a share of 0 or 1.
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))


def wilson_interval(successes: float, n: float, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval of a proportion; (0, 1) without trials.

    Successes of a weighted rate and effective numbers of trials may be fractional. The confidence
    is two-sided: each limit alone is wrong with half of the remaining probability.

    Reference: Wilson, JASA 1927.

    >>> tuple(round(limit, 3) for limit in wilson_interval(9, 10))
    (0.596, 0.982)
    """
    if n <= 0:
        return 0.0, 1.0
    return wilson_limits(successes / n, n, normal_quantile(confidence))


def poisson_interval(events: int, exposure: float, confidence: float = 0.95) -> Interval:
    """Return the exact interval of a rate of events.

    The exposure is the time in which they occurred, above 0. The confidence is two-sided.

    Reference: Garwood, Biometrika 1936.

    >>> tuple(round(limit, 2) for limit in poisson_interval(2, 4.0))
    (0.06, 1.81)
    """
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if events == 0 else float(stats.chi2.ppf(tail, 2 * events)) / 2.0
    high = float(stats.chi2.ppf(1.0 - tail, 2 * events + 2)) / 2.0
    return low / exposure, high / exposure


def newcombe_interval(
    successes: float,
    n: float,
    reference_successes: float,
    reference_n: float,
    confidence: float = 0.95,
) -> Interval:
    """Return the interval of the difference of two independent proportions.

    Square-and-add of Wilson's limits (method 10 of the reference). The difference is
    ``successes / n - reference_successes / reference_n``; both numbers of trials are positive.

    Reference: Newcombe, Statistics in Medicine 1998, 17, 873-890.

    >>> [round(limit, 4) for limit in newcombe_interval(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    current, reference = (
        Limits(lower, count / trials, upper)
        for count, trials in ((successes, n), (reference_successes, reference_n))
        for lower, upper in (wilson_interval(count, trials, confidence),)
    )
    return difference_limits(reference, current)


def paired_difference_interval(
    only_candidate: int, only_incumbent: int, both: int, neither: int, confidence: float = 0.95
) -> Interval:
    """Return the interval of a difference of paired proportions, candidate minus incumbent.

    The numbers are of items on which only the candidate, only the incumbent, both or neither is
    right. The confidence is two-sided.

    Reference: Newcombe, Statistics in Medicine 1998, 17, 2635-2650 (method 10).
    """
    n = only_candidate + only_incumbent + both + neither
    if n == 0:
        return -1.0, 1.0
    candidate, incumbent = both + only_candidate, both + only_incumbent
    p1, p2 = candidate / n, incumbent / n
    l1, u1 = wilson_interval(candidate, n, confidence)
    l2, u2 = wilson_interval(incumbent, n, confidence)
    margins = candidate * (n - candidate) * incumbent * (n - incumbent)
    phi = 0.0
    if margins:
        determinant: float = both * neither - only_candidate * only_incumbent
        if determinant > 0:  # Newcombe's continuity correction of phi
            determinant = max(0.0, determinant - n / 2)
        phi = determinant / math.sqrt(margins)
    low = math.sqrt((p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2)
    high = math.sqrt((u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p2 - l2) + (p2 - l2) ** 2)
    return max(-1.0, p1 - p2 - low), min(1.0, p1 - p2 + high)


def mcnemar_p_value(only_candidate: int, only_incumbent: int) -> float:
    """Return the one-sided exact p-value of "the candidate is right more often".

    Given the items on which exactly one of the two is right, under the null hypothesis each is the
    candidate's with a probability of at most 1/2. The distribution is exact, so p is never 0.

    Reference: McNemar, Psychometrika 1947.
    """
    discordant = only_candidate + only_incumbent
    if discordant == 0:
        return 1.0
    return float(stats.binom.sf(only_candidate - 1, discordant, 0.5))


def clopper_pearson(successes: float, n: float, tail: float = 0.025) -> Interval:
    """Return the exact limits of a proportion; (0, 1) without trials.

    Successes, like the ``n`` trials, may be fractional: the limits then interpolate. The tail is
    the largest probability with which either limit is wrong.

    Reference: Clopper & Pearson, Biometrika 1934.
    """
    lower = float(special.betaincinv(successes, n - successes + 1, tail)) if successes > 0 else 0.0
    upper = 1.0
    if successes < n:
        upper = float(special.betaincinv(successes + 1, n - successes, 1 - tail))
    return lower, upper


def jeffreys_interval(successes: float, n: float, confidence: float = 0.95) -> Interval:
    """Return the equal-tailed interval of the Beta(successes + 1/2, failures + 1/2) posterior.

    Reference: Brown, Cai & DasGupta, Statistical Science 2001, section 3.1.3.
    """
    tail = (1.0 - confidence) / 2
    a, b = successes + 0.5, max(n - successes, 0.0) + 0.5
    return float(special.betaincinv(a, b, tail)), float(special.betaincinv(a, b, 1.0 - tail))


def student_interval(values: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Return Student's interval of the mean of independent values; ``None`` for fewer than two."""
    if len(values) < 2:
        return None
    centre = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    reach = float(special.stdtrit(len(values) - 1, (1 + confidence) / 2)) * error
    return centre - reach, centre + reach


def normal_quantile(confidence: float) -> float:
    """Return the standard normal quantile of a two-sided interval of this confidence."""
    return float(special.ndtri(0.5 + confidence / 2))
