r"""Limits and a test of the mean of skewed values, such as latencies, by Hall's transformation.

The standardised mean T of skewed values is skewed too: large values come with a large standard
error, so that symmetric limits miss more often above than below. With the skewness of the mean,
:math:`A = \mu_3(\bar x) / s^3`, the distribution of

.. math:: h(T) = T + \frac{A T^2}{3} + \frac{A^2 T^3}{27} + \frac A 6

is closer to Student's. It is monotone, so that it gives limits as well.

References:
    Welch, Biometrika 1947. Hall, JRSS B 1992 ("On the removal of skewness by transformation").
"""

import math

import numpy as np

from monitor.drift.numeric.side import Side, satterthwaite, separation_p_value, two_sided_p_value
from monitor.statistics.mover import Limits

#: A standard error, or a difference of means, below this share of the largest value is rounding.
ROUNDING = 1e-14


def mean_limits(side: Side) -> Limits:
    """Return the mean with its limits."""
    mean, error = side.mean(side.values), math.sqrt(side.variance_of_mean(side.values))
    if error == 0.0:
        return Limits(mean, mean, mean)
    skewness = side.third_moment_of_mean(side.values) / error**3
    lower, upper = (mean - error * _invert(sign * side.critical, skewness) for sign in (1, -1))
    # With very few users a limit may lie on the wrong side of the mean.
    return Limits(min(lower, mean), mean, max(upper, mean))


def compare_means(x: Side, y: Side) -> float:
    """Return the p-value of equal means: the larger one of Welch's test and Hall's.

    Sides of one size and skewness need no transformation, and the noise of the estimated skewness
    would make it liberal.
    """
    variances = (x.variance_of_mean(x.values), y.variance_of_mean(y.values))
    difference, error = y.mean(y.values) - x.mean(x.values), math.sqrt(sum(variances))
    least = ROUNDING * max(float(np.abs(side.values).max()) for side in (x, y))
    if error <= least:
        return separation_p_value(x, y) if abs(difference) > least else 1.0
    moment = y.third_moment_of_mean(y.values) - x.third_moment_of_mean(x.values)
    statistic = difference / error
    transformed = transform(statistic, moment / error**3)
    smaller = min(abs(statistic), abs(transformed))
    return two_sided_p_value(smaller, satterthwaite(variances, (x, y)))


def transform(statistic: float, skewness: float) -> float:
    """Return Hall's h of a statistic."""
    step = skewness * statistic
    return statistic + step * statistic / 3.0 + step**2 * statistic / 27.0 + skewness / 6.0


def _invert(transformed: float, skewness: float) -> float:
    if abs(skewness) < 1e-9:
        return transformed
    root = np.cbrt(1.0 + skewness * (transformed - skewness / 6.0))
    return float(3.0 / skewness * (root - 1.0))
