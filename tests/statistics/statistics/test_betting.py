"""Tests by betting: brute force, level at many looks, and power."""

import numpy as np
import pytest

from monitor.statistics.betting import (
    STAKES,
    initial_logarithms,
    log_growth,
    log_growth_of_counts,
    log_wealth,
    lower_limit,
    moments,
    upper_limit,
)


def test_log_growth_equals_product_of_bets() -> None:
    rng = np.random.default_rng(0)
    differences = rng.uniform(-1, 1, (30, 2))
    differences[3, 1] = np.nan
    deltas = np.array([0.1, -0.2])
    growth = log_growth(differences, deltas)
    for k, delta in enumerate(deltas):
        column = differences[~np.isnan(differences[:, k]), k]
        products = [np.prod(1 + s / (1 + abs(delta)) * (column - delta)) for s in STAKES]
        assert np.exp(growth[k]) == pytest.approx(products)


def test_log_growth_of_counts_equals_rows() -> None:
    rows = np.array([1.0] * 3 + [0.0] * 7)
    by_rows = np.array([np.log1p(stake * (rows - 0.2)).sum() for stake in STAKES])
    assert log_growth_of_counts(3, 7, 0.2) == pytest.approx(by_rows)


def test_wealth_of_equal_arms_rarely_reaches_limit() -> None:
    rng = np.random.default_rng(1)
    n_rollouts, n_hours, n_pairs = 400, 48, 50
    logs = initial_logarithms(1.0, n_rollouts)
    reached = np.zeros(n_rollouts, dtype=bool)
    for _ in range(n_hours):
        differences = rng.integers(0, 2, (2, n_pairs, n_rollouts)).astype(float)
        logs = logs + log_growth(differences[0] - differences[1], np.zeros(n_rollouts))
        reached |= log_wealth(logs) >= np.log(20)
    assert reached.mean() <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("loss", [0.0, 0.05])
def test_limits_hold_the_mean_at_all_looks(loss: float) -> None:
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(60):
        stable, canary = rng.random((2, 24, 40)) < np.array([0.9, 0.9 - loss])[:, None, None]
        hourly = np.stack(
            [moments((s - c.astype(float))[:, None]) for s, c in zip(stable, canary, strict=True)]
        )
        sums = hourly.cumsum(axis=0)
        lowest = max(lower_limit(total, np.ones(1), 0.05) for total in sums)
        highest = min(upper_limit(total, np.ones(1), 0.05) for total in sums)
        inside += lowest <= loss <= highest
    assert inside >= 54


def test_limits_narrow_around_the_loss() -> None:
    rng = np.random.default_rng(3)
    differences = rng.binomial(1, 0.9, (5_000, 1)) - rng.binomial(1, 0.81, (5_000, 1)).astype(float)
    sums = moments(differences)
    lower, upper = (limit(sums, np.ones(1), 0.05) for limit in (lower_limit, upper_limit))
    assert 0.05 < lower < 0.09 < upper < 0.13


def test_gain_and_spread_scale_the_limits() -> None:
    rng = np.random.default_rng(4)
    differences = rng.uniform(-0.4, 0.6, (2_000, 1))
    gain, spread = np.full((2_000, 1), 0.5), np.full((2_000, 1), 1.2)
    plain = lower_limit(moments(differences), np.ones(1), 0.05)
    halved = lower_limit(moments(differences, gain, spread), np.ones(1), 0.05)
    assert halved == pytest.approx(2 * plain, abs=0.03)


def test_limits_without_differences_are_the_range() -> None:
    sums = np.zeros((1, 6))
    assert (lower_limit(sums, np.ones(1), 0.05), upper_limit(sums, np.ones(1), 0.05)) == (-1.0, 1.0)
