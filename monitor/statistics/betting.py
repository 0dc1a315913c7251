r"""Tests by betting of bounded means, valid at any number of looks.

A difference :math:`D_i \in [-1, 1]` with :math:`E[D_i | \text{past}] \le \delta` is bet against:
the stake :math:`\lambda` multiplies the wealth by :math:`1 + \lambda (D_i - \delta) / s_i`, where
:math:`s_i` keeps the factor above 0. The expectation of each factor is at most 1, so that of the
wealth is, and of every mixture of wealths; by Ville's inequality it ever reaches
:math:`1/\alpha` with probability :math:`\alpha` at most, however often one looks. Bets on
:math:`-D` against :math:`-\delta` test "at least :math:`\delta`" the same way.

References: Shekhar & Ramdas, "Nonparametric Two-Sample Testing by Betting", arXiv 2112.09162;
Waudby-Smith & Ramdas, "Estimating Means of Bounded Random Variables by Betting", arXiv 2010.09686.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

#: Stakes of the mixture, each with the same share of the wealth.
STAKES: Floats = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9])

#: Share of the best stake that is bet: growth is 6% slower, and an unlucky start costs less.
CAUTION = 0.75
#: Share of the wealth that bets the fitted stake.
FITTED_SHARE = 0.7

#: Differences at which a confidence sequence is tried, dense near 0.
GRID: Floats = np.sinh(np.linspace(-7.0, 7.0, 401)) / np.sinh(7.0)

#: Names of the sums of :func:`moments`, in order: of 1, y, y^2, g, g^2 and y g, where y is the
#: difference and g the gain, both divided by the spread.
MOMENTS = ("n", "y", "yy", "g", "gg", "yg")


def log_growth(
    differences: Floats,
    deltas: Floats,
    gain: Floats | None = None,
    spread: Floats | None = None,
    stakes: Floats = STAKES,
) -> Floats:
    """Return the growth of the logarithm of each stake's wealth, ``[m, stakes]``.

    Args:
        differences: ``[n, m]`` in [-spread, spread]; NaN where there is none, which bets nothing.
        deltas: ``[m]`` in [-1, 1]: the largest mean of each column under its null hypothesis.
        gain: ``[n, m]`` in [0, 1]: the part of the mean that a difference shows; ``None``: 1.
        spread: ``[n, m]``, at least 1; ``None``: 1. Both are known before the differences.
        stakes: ``[stakes]`` or ``[m, stakes]``, in (0, 1), known before the differences too.
    """
    bets = differences - (deltas if gain is None else deltas * gain)
    bets = bets / (1.0 + np.abs(deltas)) / (1.0 if spread is None else spread)
    bets = np.where(np.isnan(bets), 0.0, bets)
    columns = np.moveaxis(np.atleast_1d(stakes), -1, 0)
    return np.stack([np.log1p(stake * bets).sum(axis=0) for stake in columns], axis=1)


def log_growth_of_counts(successes: float, failures: float, delta: float) -> Floats:
    """Return the growth for differences of which ``successes`` are 1 - p and the others -p.

    The bet is on "the share of successes is above ``delta``", float64 ``[stakes]``. ``delta``, in
    [0, 1], is the largest share under the null hypothesis.
    """
    return np.asarray(
        successes * np.log1p(STAKES * (1.0 - delta)) + failures * np.log1p(-STAKES * delta)
    )


def log_wealth(logarithms: Floats) -> Floats:
    """Return the logarithm of the wealth of all stakes together, ``[...]`` of ``[..., stakes]``.

    The logarithms include each stake's initial share.
    """
    return np.asarray(np.logaddexp.reduce(logarithms, axis=-1))


def initial_logarithms(share: float, n_columns: int) -> Floats:
    """Return the logarithms of an initial wealth, divided over the stakes, ``[m, stakes]``."""
    return np.full((n_columns, len(STAKES)), np.log(share / len(STAKES)))


def fitted_stake(deltas: Floats, squares: Floats) -> Floats:
    """Return the stake that shows soonest that equal arms differ by less than delta, ``[m]``.

    A little less than the best one, the ratio of a bet's first moment to its second. The deltas,
    ``[m]``, are above 0; ``squares``, ``[m]``, are mean squares of the differences.
    """
    best = deltas * (1.0 + deltas) / (squares + deltas**2)
    return np.clip(CAUTION * best, STAKES[0] / 2, STAKES[-1])


def add_fitted_stake(deltas: Floats, squares: Floats) -> Floats:
    """Return :data:`STAKES` and the fitted stake, ``[m, stakes + 1]``.

    The deltas, ``[m]``, are above 0; ``squares``, ``[m]``, are the expected mean squares of the
    differences.
    """
    plain = np.broadcast_to(STAKES, (len(deltas), len(STAKES)))
    return np.column_stack([plain, fitted_stake(deltas, squares)])


def initial_fitted_logarithms(n_columns: int) -> Floats:
    """Return logarithms of which the fitted stake has most of the wealth, ``[m, stakes + 1]``."""
    fitted = np.full((n_columns, 1), np.log(FITTED_SHARE))
    return np.column_stack([initial_logarithms(1.0 - FITTED_SHARE, n_columns), fitted])


def moments(
    differences: Floats, gain: Floats | None = None, spread: Floats | None = None
) -> Floats:
    """Return the sums that a confidence sequence needs, ``[m, 6]``: see :data:`MOMENTS`.

    Args: as of :func:`log_growth`.
    """
    present = ~np.isnan(differences)
    divisor = 1.0 if spread is None else spread
    y = np.where(present, differences, 0.0) / divisor
    g = present * (1.0 if gain is None else gain) / divisor
    return np.stack(
        [column.sum(axis=0, dtype=np.float64) for column in (present, y, y**2, g, g**2, y * g)],
        axis=1,
    )


def lower_limit(sums: Floats, shares: Floats, alpha: float, reserve: float = 0.0) -> float:
    r"""Return a lower limit of the mean of the differences, valid at all looks together.

    Each delta of :data:`GRID` is tested by a lower bound of the wealth that needs sums only:
    :math:`\log(1 + \lambda y) \ge \lambda y + (\lambda + \log(1 - \lambda)) y^2` for
    :math:`y \ge -1`. So the limit is a little wider than that of :func:`log_growth`.

    ``sums`` are ``[k, 6]``: :func:`moments` since each of k beginnings, where the part of the
    wealth in ``shares``, ``[k]``, begins to bet; the part ``reserve`` never bets. ``alpha`` is the
    probability that the limit is ever above the mean.

    Reference: Fan, Grama & Liu, "Exponential inequalities for martingales with applications",
    Electron. J. Probab. 2015, lemma 4.1.
    """
    n, y, yy, g, gg, yg = (column[:, None, None] for column in sums.T)
    if not np.any(n):
        return -1.0
    scale = 1.0 + np.abs(GRID)[None, :, None]
    delta = GRID[None, :, None]
    first = (y - delta * g) / scale
    second = (yy - 2.0 * delta * yg + delta**2 * gg) / scale**2
    logs = STAKES * first + (STAKES + np.log1p(-STAKES)) * second
    logs = logs + np.log(np.maximum(shares, 1e-300))[:, None, None] - np.log(len(STAKES))
    total = special.logsumexp(np.moveaxis(logs, 1, 0).reshape(len(GRID), -1), axis=1)
    if reserve > 0.0:
        total = np.logaddexp(total, np.log(reserve))
    return _last_rejected(total - np.log(1.0 / alpha))


def upper_limit(sums: Floats, shares: Floats, alpha: float, reserve: float = 0.0) -> float:
    """Return an upper limit of the mean: the mirror of :func:`lower_limit`."""
    signs = np.array([1.0, -1.0, 1.0, 1.0, 1.0, -1.0])
    return -lower_limit(sums * signs, shares, alpha, reserve)


def _last_rejected(excess: Floats) -> float:
    """Return where the excess of the logarithm over its limit crosses 0, from the left."""
    accepted = np.flatnonzero(excess < 0.0)
    if not len(accepted):
        return 1.0
    k = int(accepted[0])
    if k == 0:
        return -1.0
    inside = excess[k - 1] / (excess[k - 1] - excess[k])
    return float(GRID[k - 1] + inside * (GRID[k] - GRID[k - 1]))
