"""Intervals and the paired test: against SciPy, and by coverage."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.statistics.intervals import (
    clopper_pearson,
    mcnemar_p_value,
    paired_difference_interval,
    student_interval,
    wilson_interval,
)

SHARES = [(k, n) for n in (1, 2, 7, 50, 200, 3000) for k in sorted({0, 1, n // 3, n - 1, n})]


@pytest.mark.parametrize(("k", "n"), SHARES)
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_wilson_interval_equals_scipy(k: int, n: int, confidence: float) -> None:
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert wilson_interval(k, n, confidence) == pytest.approx(
        (expected.low, expected.high), abs=1e-12
    )


@pytest.mark.parametrize(("k", "n"), SHARES)
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_clopper_pearson_limits_equal_scipy(k: int, n: int, confidence: float) -> None:
    """Compare with SciPy's exact test by its one-sided alternatives."""
    above = stats.binomtest(k, n, alternative="greater").proportion_ci(confidence, method="exact")
    below = stats.binomtest(k, n, alternative="less").proportion_ci(confidence, method="exact")
    expected = pytest.approx((above.low, below.high), abs=1e-9)
    assert clopper_pearson(k, n, 1 - confidence) == expected


def test_clopper_pearson_upper_limit_keeps_its_level() -> None:
    """The limit is below the true share with a probability of at most 5%."""
    n = 200
    for true in (0.005, 0.02, 0.03, 0.5):
        covered = sum(
            stats.binom.pmf(k, n, true)
            for k in range(n + 1)
            if clopper_pearson(k, n, 0.05)[1] >= true
        )
        assert covered >= 0.95


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_p_value_equals_scipy(only_candidate: int, only_incumbent: int) -> None:
    p_value = mcnemar_p_value(only_candidate, only_incumbent)
    n = only_candidate + only_incumbent
    expected = stats.binomtest(only_candidate, n, 0.5, alternative="greater").pvalue if n else 1.0
    assert p_value == pytest.approx(expected, rel=1e-9)
    assert 0 < p_value <= 1


def test_intervals_without_trials_hold_every_value() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    assert paired_difference_interval(0, 0, 0, 0) == (-1.0, 1.0)


@pytest.mark.parametrize(
    "shares",
    [(0.6, 0.2, 0.1, 0.1), (0.3, 0.3, 0.3, 0.1), (0.85, 0.1, 0.02, 0.03), (0.1, 0.4, 0.1, 0.4)],
    ids=str,
)
def test_paired_difference_interval_covers(shares: tuple[float, float, float, float]) -> None:
    """Over every table of 24 pairs, the interval contains the truth in about 95%."""
    n = 24
    true = shares[1] - shares[2]
    tables = [
        (both, a, b, n - both - a - b)
        for both in range(n + 1)
        for a in range(n + 1 - both)
        for b in range(n + 1 - both - a)
    ]
    likely = stats.multinomial.pmf(tables, n, shares)
    assert likely.sum() == pytest.approx(1)
    covered = 0.0
    for (both, a, b, neither), probability in zip(tables, likely, strict=True):
        lower, upper = paired_difference_interval(a, b, both, neither)
        covered += float(probability) * (lower <= true <= upper)
    assert 0.93 <= covered <= 0.99


@given(st.tuples(*[st.integers(0, 60)] * 4).filter(lambda t: sum(t) > 0))
def test_paired_difference_interval_mirrors_when_versions_swap(
    table: tuple[int, int, int, int],
) -> None:
    a, b, both, neither = table
    lower, upper = paired_difference_interval(a, b, both, neither)
    mirrored = paired_difference_interval(b, a, both, neither)
    assert mirrored == pytest.approx((-upper, -lower), abs=1e-12)
    difference = (a - b) / sum(table)
    assert -1 <= lower <= difference + 1e-12
    assert difference - 1e-12 <= upper <= 1
    assert not math.isnan(lower + upper)


def test_student_interval_equals_its_formula() -> None:
    reach = stats.t.ppf(0.975, 2) / 3**0.5
    assert student_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - reach, 2 + reach))
    assert student_interval([1.0]) is None
