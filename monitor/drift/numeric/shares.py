"""Comparison of shares, for columns with two values such as booleans.

Where a value is rare on a side, the estimated variance of its share is unreliable: of 300 responses
without a refusal it is 0. So the limits are Wilson's, and the test takes its variance from both
sides together. Users with many samples count by the effective number of samples: :math:`p (1 - p)`
over the variance of p between users (Korn & Graubard, Survey Methodology 1998).
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.drift.numeric.side import Side, satterthwaite, separation_p_value, two_sided_p_value
from monitor.statistics.intervals import wilson_limits
from monitor.statistics.mover import Limits

#: A smaller variance of a share is rounding.
ROUNDING = 1e-28


def share_limits(side: Side, value: float) -> Limits:
    """Return the share of a value with Wilson's limits, by Student's quantile."""
    share, n = _share(side, value), _n_effective(side, value)
    lower, upper = wilson_limits(share, n, side.critical)
    return Limits(lower, share, upper)


def compare_shares(x: Side, y: Side, value: float) -> float:
    """Return the p-value of equal shares.

    The larger p-value of the score test and the likelihood ratio test: for a rare value the score
    test is liberal where there are more than expected, and the ratio where there are fewer.
    """
    sides = (x, y)
    shares = [_share(side, value) for side in sides]
    sizes = [_n_effective(side, value) for side in sides]
    pooled = float(np.average(shares, weights=sizes))
    if shares[0] == shares[1] or not 0.0 < pooled < 1.0:
        return 1.0
    if abs(shares[1] - shares[0]) == 1.0:
        return separation_p_value(x, y)
    variances = (pooled * (1.0 - pooled) / sizes[0], pooled * (1.0 - pooled) / sizes[1])
    score = abs(shares[1] - shares[0]) / math.sqrt(sum(variances))
    divergence = sum(
        n * float(special.rel_entr(p, pooled) + special.rel_entr(1.0 - p, 1.0 - pooled))
        for n, p in zip(sizes, shares, strict=True)
    )
    root = math.sqrt(max(2.0 * divergence, 0.0))
    return two_sided_p_value(min(score, root), satterthwaite(variances, sides))


def _indicator(side: Side, value: float) -> NDArray[np.float64]:
    return np.asarray(side.values == value, dtype=np.float64)


def _share(side: Side, value: float) -> float:
    return side.mean(_indicator(side, value))


def _n_effective(side: Side, value: float) -> float:
    """Return the effective number of samples of the share.

    Where all users are alike, as in a share of 0 or 1, the variance is 0 and the effective number
    of users stands in.
    """
    indicator = _indicator(side, value)
    share, variance = side.mean(indicator), side.variance_of_mean(indicator)
    n = side.n_effective if variance <= ROUNDING else share * (1.0 - share) / variance
    return max(min(side.n_independent, n), 2.0)
