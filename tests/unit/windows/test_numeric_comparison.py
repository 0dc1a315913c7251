"""Metrics, and the comparison of numeric columns."""

import numpy as np
import pytest
from scipy import stats

from monitor.drift import compare_numeric
from monitor.windows.comparison.metrics import metric_names, metric_values, number_of
from tests.statistics.trials import trials

ALONE = [""] * 5000


def compared(reference, current, reference_users=ALONE, current_users=ALONE):
    x, y = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    return compare_numeric(
        x, y, reference_groups=reference_users[: len(x)], current_groups=current_users[: len(y)]
    )


def test_without_users_it_is_brunner_and_munzels_test() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.poisson(3, 80), rng.poisson(4, 60)
    result = compared(x, y)
    expected = stats.brunnermunzel(x, y)
    # Brunner and Munzel divide by n - 1 and take ranks: to first order the same.
    assert result.p_value == pytest.approx(expected.pvalue, rel=0.02)
    pairs = np.sign(y[:, None] - x[None, :])
    assert result.effect_size == pytest.approx(pairs.mean(), abs=1e-12)


def test_effect_of_booleans_is_the_difference_of_shares() -> None:
    result = compared([1] * 80 + [0] * 20, [1] * 50 + [0] * 50)
    assert result.effect_size == pytest.approx(-0.3)
    assert result.relative_change == pytest.approx(0.5 / 0.8 - 1)
    assert result.relative_change_lower < result.relative_change < result.relative_change_upper < 0


@pytest.mark.slow
@trials(150, 400)
def test_users_with_many_exchanges_do_not_alarm_by_themselves(n_trials: int) -> None:
    """With 20 exchanges per end user and no drift, 5% of tests reject at 5% (99% interval)."""
    rng = np.random.default_rng(1)
    users = [f"u{i // 20}" for i in range(1200)]
    rejected = alone = 0
    for _ in range(n_trials):
        x, y = (np.repeat(rng.normal(size=60), 20) + rng.normal(size=1200) / 2 for _ in range(2))
        rejected += compared(x, y, users, users).p_value <= 0.05
        alone += compared(x, y).p_value <= 0.05
    low, high = stats.binom.interval(0.99, n_trials, 0.05)
    assert low <= rejected <= high
    assert alone > 5 * rejected


@pytest.mark.slow
def test_the_interval_of_the_relative_change_covers_the_truth() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(400):
        result = compared(rng.random(300) < 0.8, rng.random(200) < 0.6)
        covered += result.relative_change_lower <= -0.25 <= result.relative_change_upper
    low, high = stats.binom.interval(0.99, 400, 0.95)
    assert low <= covered <= high


def test_missing_values_are_left_out() -> None:
    result = compared([1.0, np.nan, 2.0, 3.0], [np.nan, 5.0, 6.0])
    assert (result.n_reference, result.n_current) == (3, 2)
    assert result.reference_mean == 2.0
    assert compared([np.nan, np.nan], [1.0, 2.0]) is None


def test_constants() -> None:
    same = compared([2.0] * 30, [2.0] * 30)
    assert (same.p_value, same.effect_size, same.relative_change) == (1.0, 0.0, 0.0)
    apart = compared([0.0] * 30, [1.0] * 30)
    assert 0 < apart.p_value < 1e-10
    assert apart.relative_change is None


def test_numbers_and_booleans_are_metrics_and_nothing_else() -> None:
    numbers = (True, 3, 2.5, -1, "3", "true", None, [1], float("nan"), float("inf"), 10**400, 1e200)
    assert [number_of(number) for number in numbers] == [1.0, 3.0, 2.5, -1.0, *[None] * 8]
    rows = [{"resolved": True, "note": "x", "rare": 1} if i < 5 else {"resolved": False}
            for i in range(40)]  # fmt: skip
    assert metric_names(rows, rows) == ["resolved"]
    assert np.isnan(metric_values(rows, ["rare"])["rare"]).sum() == 35
