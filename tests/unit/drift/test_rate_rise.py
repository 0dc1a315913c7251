"""The test of a large rise of a rate: exact cases, and what it must not depend on."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.drift.looks.rate_rise import UserDays, by_user_day, rate_of, rise_p_value


def keys(n: int, first: int = 0) -> NDArray[np.uint64]:
    return np.arange(first, first + n, dtype=np.uint64)


def single(successes: int, n: int, first: int = 0) -> UserDays:
    values = np.zeros(n)
    values[:successes] = 1.0
    return by_user_day(values, keys(n, first), np.zeros(n, dtype=np.int64))


def plus(points: float):
    return lambda rate: rate + points


@pytest.mark.slow
def test_rise_p_value_of_certain_baseline_is_binomial_tail() -> None:
    reference, current = single(100_000, 1_000_000), single(190, 1_000)
    exact = stats.binom.sf(189, 1_000, 0.15)
    assert rise_p_value(reference, current, plus(0.05)) == pytest.approx(exact, rel=0.3)


def test_rise_p_value_of_samples_is_that_of_difference() -> None:
    reference, current = single(1_000, 5_000), single(560, 2_000, 10_000)
    error = np.hypot(np.sqrt(0.2 * 0.8 / 5_000), np.sqrt(0.25 * 0.75 / 2_000))
    normal = stats.norm.sf((0.28 - 0.25) / error)
    assert normal < rise_p_value(reference, current, plus(0.05)) < 1.5 * normal


def test_rise_p_value_of_baseline_without_events_is_finite() -> None:
    assert rise_p_value(single(0, 5_000), single(200, 1_000), plus(0.05)) < 1e-9
    assert rise_p_value(single(0, 5_000), single(50, 1_000), plus(0.05)) > 0.3
    assert rise_p_value(single(0, 5_000), single(0, 1_000), plus(0.05)) == 1.0


@pytest.mark.parametrize("successes", [0, 200, 1_000])
def test_rise_p_value_within_margin_is_large(successes: int) -> None:
    reference = single(successes, 1_000)
    assert rise_p_value(reference, single(successes, 1_000, 5_000), plus(0.05)) > 0.5


def test_rise_p_value_of_one_user_is_one() -> None:
    current = by_user_day(np.ones(500), np.zeros(500, dtype=np.uint64), np.zeros(500, np.int64))
    assert rise_p_value(single(0, 5_000), current, plus(0.05)) == 1.0


def test_by_user_day_ignores_unknown_values_and_order() -> None:
    values = np.array([1.0, 0.0, np.nan, 1.0, 1.0])
    users = np.array([1, 1, 1, 2, 2], dtype=np.uint64)
    days = np.array([0, 0, 0, 0, 1])
    grouped = by_user_day(values, users, days)
    assert sorted(grouped.means) == [0.5, 1.0, 1.0]
    assert sorted(grouped.counts) == [1, 1, 2]
    assert len(np.unique(grouped.users)) == 2


def test_rate_counts_each_user_once_over_all_days() -> None:
    rng = np.random.default_rng(0)
    per_user = np.repeat((rng.random(400) < 0.3).astype(float), 7)
    grouped = by_user_day(per_user, np.repeat(keys(400), 7), np.tile(np.arange(7), 400))
    assert rate_of(grouped).n_effective == pytest.approx(400, rel=0.15)
