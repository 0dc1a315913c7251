"""Metrics of exchanges with equal prompts: their differences are compared."""

import numpy as np
import pytest
from scipy import stats

from monitor.drift import compare_numeric, match_pairs
from monitor.statistics.mover import Limits, difference_limits, ratio_limits


def compared(before, after, groups=None):
    numbers = np.arange(len(before))
    pairs = match_pairs(numbers, numbers, groups, groups)
    return compare_numeric(before, after, pairs=pairs)


def test_means_have_students_test_of_differences() -> None:
    rng = np.random.default_rng(0)
    before = rng.normal(4, 1, 150)
    after = before - 0.1 + rng.normal(0, 0.3, 150)
    result = compared(before, after)
    # Hall's transformation gives the larger p-value of the two here.
    student = stats.ttest_rel(after, before).pvalue
    assert student <= result.mean_p_value <= 5 * student < 0.001
    assert compare_numeric(before, after).mean_p_value > 0.05
    assert result.relative_change == pytest.approx(after.mean() / before.mean() - 1)
    width = result.relative_change_upper - result.relative_change_lower
    assert result.relative_change_lower < result.relative_change_upper < 0
    differences = stats.sem(after - before) * 1.96 * 2 / before.mean()
    assert width == pytest.approx(differences, rel=0.15)
    assert result.effect_lower < result.effect_size < result.effect_upper < 0


def test_two_values_have_mcnemars_test() -> None:
    before, after = np.zeros(200), np.zeros(200)
    before[:70], after[:58], after[70:72] = 1, 1, 1
    result = compared(before, after)
    assert result.p_value == pytest.approx(stats.binomtest(2, 14, 0.5).pvalue)
    assert result.effect_size == pytest.approx(-0.05)
    assert result.effect_lower < -0.05 < result.effect_upper < 0
    assert compared(before, before).p_value == 1.0


def test_pairs_of_one_user_count_once() -> None:
    rng = np.random.default_rng(0)
    before = np.repeat(rng.normal(4, 1, 20), 10)
    after = before + np.repeat(rng.normal(0, 0.5, 20), 10)
    alone, together = compared(before, after), compared(before, after, np.arange(200) // 10)
    averaged = stats.ttest_rel(after[::10], before[::10])
    assert together.mean_p_value == pytest.approx(averaged.pvalue, rel=0.2)
    assert alone.mean_p_value < together.mean_p_value


def test_values_without_a_partner_do_not_count() -> None:
    before, after = np.full(60, 2.0), np.full(60, 3.0)
    before[:5], after[5:10] = np.nan, np.nan
    result = compared(before, after)
    assert (result.n_reference, result.n_current) == (50, 50)
    assert result.mean_p_value == 2.0**-49
    assert result.effect_size == 1.0


def test_correlated_means_have_narrower_limits() -> None:
    before, after = Limits(3.9, 4.0, 4.1), Limits(3.8, 3.9, 4.0)
    assert difference_limits(before, after, 1.0) == pytest.approx((-0.1, -0.1))
    assert difference_limits(before, after, 0.5) == pytest.approx((-0.2, 0.0))
    # Fieller's limits: the r with (after - r before)^2 = 0.01 (1 + r^2 - 2 * 0.8 r).
    for limit in ratio_limits(before, after, 0.8):
        assert (3.9 - 4 * limit) ** 2 == pytest.approx(0.01 * (1 + limit**2 - 1.6 * limit))
