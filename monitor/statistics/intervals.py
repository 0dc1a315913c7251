"""Intervals and tests for shares, as the gates need them."""

import math

from scipy import stats


def wilson_interval(successes: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval for a share; (0, 1) for no trials.

    Reference: Wilson (1927), JASA 22.

    >>> tuple(round(bound, 3) for bound in wilson_interval(9, 10))
    (0.596, 0.982)
    """
    if n == 0:
        return 0.0, 1.0
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def binomial_lower_bound(successes: int, n: int, confidence: float = 0.95) -> float:
    """Return the exact one-sided lower bound of a share (Clopper and Pearson, 1934)."""
    if successes == 0 or n == 0:
        return 0.0
    return float(stats.beta.ppf(1 - confidence, successes, n - successes + 1))


def binomial_upper_bound(successes: int, n: int, confidence: float = 0.95) -> float:
    """Return the exact one-sided upper bound of a share (Clopper and Pearson, 1934)."""
    if successes == n:  # also where there are no trials
        return 1.0
    return float(stats.beta.ppf(confidence, successes + 1, n - successes))


def mcnemar_p_value(only_candidate: int, only_incumbent: int) -> float:
    """Return the one-sided exact p-value of "the candidate is right more often".

    Given the items on which exactly one of the two is right, under the null hypothesis each is the
    candidate's with probability of at most 1/2. The null distribution is exact, so p is never 0.

    Reference: McNemar (1947), Psychometrika 12.
    """
    discordant = only_candidate + only_incumbent
    if discordant == 0:
        return 1.0
    return float(stats.binom.sf(only_candidate - 1, discordant, 0.5))


def paired_difference_interval(
    only_candidate: int, only_incumbent: int, both: int, neither: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of a paired difference of shares (Newcombe 1998, method 10).

    Args:
        only_candidate: Items on which only the candidate is right.
        only_incumbent: Items on which only the incumbent is right.
        both: Items on which both are right.
        neither: Items on which neither is.
        confidence: Two-sided confidence.
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
