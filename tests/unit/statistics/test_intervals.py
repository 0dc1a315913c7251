"""The gates' intervals and test against SciPy's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.statistics.intervals import (
    binomial_lower_bound,
    binomial_upper_bound,
    mcnemar_p_value,
    paired_difference_interval,
    wilson_interval,
)

SHARES = [(k, n) for n in (1, 2, 7, 50, 200, 3000) for k in sorted({0, 1, n // 3, n - 1, n})]


@pytest.mark.parametrize(("k", "n"), SHARES)
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_wilson(k: int, n: int, confidence: float) -> None:
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert wilson_interval(k, n, confidence) == pytest.approx(
        (expected.low, expected.high), abs=1e-12
    )


@pytest.mark.parametrize(("k", "n"), SHARES)
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_clopper_pearson(k: int, n: int, confidence: float) -> None:
    """SciPy's one-sided exact bounds, by its alternatives."""
    above = stats.binomtest(k, n, alternative="greater").proportion_ci(confidence, method="exact")
    below = stats.binomtest(k, n, alternative="less").proportion_ci(confidence, method="exact")
    assert binomial_lower_bound(k, n, confidence) == pytest.approx(above.low, abs=1e-9)
    assert binomial_upper_bound(k, n, confidence) == pytest.approx(below.high, abs=1e-9)


def test_the_exact_bound_keeps_its_level() -> None:
    """At a true share equal to the bound's claim, being so lucky happens 5% of the time at most."""
    n = 200
    for true in (0.005, 0.02, 0.03, 0.5):
        covered = sum(
            stats.binom.pmf(k, n, true)
            for k in range(n + 1)
            if binomial_upper_bound(k, n, 0.95) >= true
        )
        assert covered >= 0.95


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar(only_candidate: int, only_incumbent: int) -> None:
    p_value = mcnemar_p_value(only_candidate, only_incumbent)
    n = only_candidate + only_incumbent
    expected = stats.binomtest(only_candidate, n, 0.5, alternative="greater").pvalue if n else 1.0
    assert p_value == pytest.approx(expected, rel=1e-9)
    assert 0 < p_value <= 1


def test_no_trials_say_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert (binomial_lower_bound(0, 0), binomial_upper_bound(0, 0)) == (0.0, 1.0)
    assert paired_difference_interval(0, 0, 0, 0) == (-1.0, 1.0)


@pytest.mark.parametrize(
    "shares",
    [(0.6, 0.2, 0.1, 0.1), (0.3, 0.3, 0.3, 0.1), (0.85, 0.1, 0.02, 0.03), (0.1, 0.4, 0.1, 0.4)],
    ids=str,
)
def test_the_paired_difference_is_covered(shares: tuple[float, float, float, float]) -> None:
    """Summed over every table of 24 pairs: the interval holds the truth about 95% of the time."""
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
def test_swapping_the_versions_mirrors_the_interval(table: tuple[int, int, int, int]) -> None:
    a, b, both, neither = table
    lower, upper = paired_difference_interval(a, b, both, neither)
    mirrored = paired_difference_interval(b, a, both, neither)
    assert mirrored == pytest.approx((-upper, -lower), abs=1e-12)
    difference = (a - b) / sum(table)
    assert -1 <= lower <= difference + 1e-12
    assert difference - 1e-12 <= upper <= 1
    assert not math.isnan(lower + upper)
