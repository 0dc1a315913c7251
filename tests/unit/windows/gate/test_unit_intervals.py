"""Intervals whose units are end users."""

import math

import numpy as np
import pytest
from scipy import stats

from monitor.windows.gate.unit_intervals import (
    effective_units,
    mean_interval,
    quantile_interval,
    share_interval,
)

ALONE = [""] * 400


@pytest.mark.parametrize(("n", "holds"), [(368, False), (367, True)])
def test_share_of_single_exchanges_is_clopper_pearson(n: int, holds: bool) -> None:
    """368 end users without an empty response show fewer than 1%, and 367 don't."""
    interval = share_interval(np.zeros(n), ALONE[:n])
    assert (interval.upper >= 0.01) is holds
    exact = stats.binomtest(7, 50).proportion_ci(0.95, "exact")
    counted = share_interval(np.repeat([1.0, 0.0], [7, 43]), ALONE[:50])
    assert (counted.lower, counted.upper) == pytest.approx((exact.low, exact.high))


def test_exchanges_of_one_end_user_count_once() -> None:
    burst = share_interval(np.repeat([1.0, 0.0], [500, 500]), ["bot"] * 500 + ALONE[:1] * 500)
    assert effective_units(["bot"] * 500 + ["x"] + ["", ""]) == pytest.approx(503**2 / 250_003)
    assert burst.lower < 0.1 < 0.9 < burst.upper  # of 4 end users
    paired = share_interval(np.repeat([1.0, 0.0], [4, 36]), [f"u{row // 2}" for row in range(40)])
    single = share_interval(np.repeat([1.0, 0.0], [2, 18]), ALONE[:20])
    assert (paired.lower, paired.upper) == (single.lower, single.upper)


def test_quantile_limits_are_order_statistics_of_binomial_ranks() -> None:
    values = np.arange(1.0, 101.0)
    interval = quantile_interval(values, ALONE[:100], 0.5)
    assert (interval.estimate, interval.lower, interval.upper) == (50.0, 40.0, 61.0)
    coverage = stats.binom.cdf(60, 100, 0.5) - stats.binom.cdf(39, 100, 0.5)
    assert 0.95 <= coverage < 0.97  # P(x_(40) <= median < x_(61))
    few = quantile_interval(values[:20], ALONE[:20], 0.95)
    assert math.isinf(few.upper)
    assert few.lower == 17.0


def test_mean_interval_is_of_sums_by_end_user() -> None:
    values = np.repeat(np.arange(30.0), 10)
    users = [f"u{row // 10}" for row in range(300)]
    clustered, single = mean_interval(values, users), mean_interval(np.arange(30.0), ALONE[:30])
    assert clustered is not None
    assert single is not None
    assert (clustered.lower, clustered.upper) == pytest.approx((single.lower, single.upper))
    low, high = stats.t.interval(0.95, 29, loc=14.5, scale=stats.sem(np.arange(30.0)))
    assert (single.lower, single.upper) == pytest.approx((low, high))
    assert mean_interval(values[:190], users[:190]) is None  # 19 end users
