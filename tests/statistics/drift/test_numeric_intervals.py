"""Intervals and tests of numbers in hard cases: ties, rare values, users, skewness."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import optimize, stats

from monitor.drift import NumericComparison, compare_numeric
from monitor.drift.numeric.shares import compare_shares, share_limits
from monitor.drift.numeric.side import make_side
from monitor.statistics.mover import Limits, difference_limits, ratio_limits
from tests.statistics.trials import trials

Values = NDArray[np.float64]


class Case(NamedTuple):
    """Two sides with numbers of exchanges per end user, and the true effects."""

    reference: Callable[[Generator], Values]
    current: Callable[[Generator], Values]
    effect: float
    change: float
    reference_exchanges: int = 1
    current_exchanges: int = 1

    def compare(self, rng: Generator) -> NumericComparison:
        x, y = self.reference(rng), self.current(rng)
        compared = compare_numeric(
            x,
            y,
            reference_groups=np.arange(len(x)) // self.reference_exchanges,
            current_groups=np.arange(len(y)) // self.current_exchanges,
        )
        assert compared is not None
        return compared


def booleans(share: float, n: int) -> Callable[[Generator], Values]:
    return lambda rng: (rng.random(n) < share).astype(float)


def moods(share: float, users: int, exchanges: int, alike: float) -> Callable[[Generator], Values]:
    """Draw booleans of end users with different shares; ``alike`` is the intraclass correlation."""
    a, b = share * (1 / alike - 1), (1 - share) * (1 / alike - 1)
    return lambda rng: (
        rng.random(users * exchanges) < rng.beta(a, b, users).repeat(exchanges)
    ).astype(float)


def levels(users: int, exchanges: int) -> Callable[[Generator], Values]:
    """Draw numbers around 5 that are similar within an end user."""
    return lambda rng: (
        5 + rng.normal(0, 0.9, users).repeat(exchanges) + rng.normal(0, 0.45, users * exchanges)
    )


def latencies(n: int, median: float = 1.0, spread: float = 1.0) -> Callable[[Generator], Values]:
    return lambda rng: median * rng.lognormal(0, spread, n)


def ratings(n: int) -> Callable[[Generator], Values]:
    return lambda rng: 1.0 + rng.choice(5, n, p=[0.05, 0.05, 0.1, 0.3, 0.5])


def slower(factor: float) -> float:
    """Return Cliff's delta of log-normal values of spread 1 multiplied by a factor."""
    return float(2 * stats.norm.cdf(math.log(factor) / math.sqrt(2)) - 1)


CASES = {
    "booleans": Case(booleans(0.8, 300), booleans(0.6, 200), -0.2, -0.25),
    "rare booleans": Case(booleans(0.02, 400), booleans(0.02, 400), 0, 0),
    "rare booleans, more often": Case(booleans(0.02, 1000), booleans(0.04, 1000), 0.02, 1),
    "rare booleans, small window": Case(booleans(0.01, 20_000), booleans(0.01, 500), 0, 0),
    "booleans of users": Case(moods(0.3, 15, 20, 0.3), moods(0.3, 15, 20, 0.3), 0, 0, 20, 20),
    "rare booleans of users": Case(
        moods(0.05, 100, 10, 0.2), moods(0.05, 100, 10, 0.2), 0, 0, 10, 10
    ),
    "ratings": Case(ratings(200), ratings(200), 0, 0),
    "users alike": Case(levels(30, 20), levels(30, 20), 0, 0, 20, 20),
    "few users, busy": Case(levels(400, 1), levels(8, 20), 0, 0, 1, 20),
    "latencies": Case(latencies(200), latencies(200, 1.2), slower(1.2), 0.2),
    "latencies, small window": Case(latencies(5_000), latencies(100), 0, 0),
    "far apart": Case(latencies(60), latencies(60, 20), slower(20), 19),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
@trials(60, 300)
def test_intervals_cover_and_tests_keep_their_level(name: str, n_trials: int) -> None:
    """The minimum coverage by chance; the documentation has a longer run."""
    case = CASES[name]
    results = [case.compare(np.random.default_rng([17, trial])) for trial in range(n_trials)]
    least = stats.binom.ppf(0.0005, n_trials, 0.95)
    assert (
        sum(result.effect_lower <= case.effect <= result.effect_upper for result in results)
        >= least
    )
    changes = [
        (result.relative_change_lower, result.relative_change_upper)
        for result in results
        if result.relative_change_lower is not None and result.relative_change_upper is not None
    ]
    assert len(changes) == n_trials
    assert sum(lower <= case.change <= upper for lower, upper in changes) >= least
    if case.effect == 0:
        most = stats.binom.ppf(0.9995, n_trials, 0.05)
        assert sum(result.p_value <= 0.05 for result in results) <= most
        assert sum(result.mean_p_value <= 0.05 for result in results) <= most


@pytest.mark.slow
@trials(200, 2_000)
def test_intervals_are_no_wider_than_needed(n_trials: int) -> None:
    """Intervals cover in about 95 of 100 trials, not in all."""
    for name in ("booleans", "ratings", "users alike"):
        case = CASES[name]
        results = [case.compare(np.random.default_rng([18, trial])) for trial in range(n_trials)]
        covered = sum(
            result.effect_lower <= case.effect <= result.effect_upper for result in results
        )
        assert covered <= stats.binom.ppf(0.9995, n_trials, 0.95)


@pytest.mark.slow
@given(
    st.lists(st.integers(-3, 3), min_size=2, max_size=30),
    st.lists(st.integers(-3, 3), min_size=2, max_size=30),
    st.integers(1, 4),
)
def test_intervals_hold_their_effect_and_stay_in_bounds(
    x: list[int], y: list[int], exchanges: int
) -> None:
    result = compare_numeric(x, y, reference_groups=np.arange(len(x)) // exchanges)
    if result is None:
        assert len(x) <= exchanges
        return
    assert -1 <= result.effect_lower <= result.effect_size <= result.effect_upper <= 1
    assert 0 <= result.p_value <= 1
    assert 0 <= result.mean_p_value <= 1
    if result.relative_change is not None:
        assert result.relative_change_lower is not None
        assert result.relative_change_upper is not None
        assert (
            result.relative_change_lower - 1e-9
            <= result.relative_change
            <= result.relative_change_upper + 1e-9
        )


@pytest.mark.slow
@given(
    st.lists(st.integers(0, 5), min_size=3, max_size=30),
    st.lists(st.integers(0, 5), min_size=3, max_size=30),
)
def test_the_effect_turns_with_the_sides_and_with_the_sign(x: list[int], y: list[int]) -> None:
    forth, back = compare_numeric(x, y), compare_numeric(y, x)
    turned = compare_numeric([-side for side in x], [-side for side in y])
    assert forth is not None
    for other in (back, turned):
        assert other is not None
        assert other.effect_size == pytest.approx(-forth.effect_size)
        assert other.effect_lower == pytest.approx(-forth.effect_upper)
        assert other.p_value == pytest.approx(forth.p_value)


def test_an_interval_is_narrower_with_more_users() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, 400), rng.normal(0.5, 1, 400)
    widths = []
    for n in (100, 400):
        result = compare_numeric(x[:n], y[:n])
        assert result is not None
        widths.append(result.effect_upper - result.effect_lower)
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.2)


def test_wilsons_limits_are_scipys_but_for_students_quantile() -> None:
    for n_true, n in ((0, 5_000), (3, 5_000), (2_500, 5_000), (5_000, 5_000)):
        side = make_side(np.arange(n) < n_true, None, None, "x")
        expected = stats.binomtest(n_true, n).proportion_ci(0.95, method="wilson")
        limits = share_limits(side, 1.0)
        assert limits.mean == n_true / n
        assert limits[::2] == pytest.approx((expected.low, expected.high), abs=2e-6, rel=2e-3)


def test_missing_rare_value_is_not_reported() -> None:
    """None of 300 at a usual share of 1% happens in one of twenty windows (0.99 ** 300)."""
    sides = (
        make_side(np.arange(20_000) < 200, None, None, "x"),
        make_side([0.0] * 300, None, None, "y"),
    )
    assert 0.02 < compare_shares(*sides, 1.0) < 0.2


def test_different_shares_are_distinguished_from_equal_shares() -> None:
    x, y = np.arange(400) < 8, np.arange(400) < 40
    sides = make_side(x, None, None, "x"), make_side(y, None, None, "y")
    fisher = stats.fisher_exact([[8, 392], [40, 360]]).pvalue
    assert compare_shares(*sides, 1.0) == pytest.approx(fisher, rel=2)


LIMITS = st.tuples(st.floats(-5, 5), st.floats(0.01, 3), st.floats(0.01, 3)).map(
    lambda side: Limits(side[0] - side[1], side[0], side[0] + side[2])
)


@given(LIMITS, LIMITS)
def test_ratio_limits_are_where_the_difference_limits_are_zero(x: Limits, y: Limits) -> None:
    """By definition, r is a limit if MOVER's interval of ``y - r x`` ends at 0."""
    limits = ratio_limits(x, y)
    if x.lower <= 0 <= x.upper:
        assert limits is None
        return
    assert limits is not None
    lower, upper = limits
    assert lower <= y.mean / x.mean + 1e-9
    assert upper >= y.mean / x.mean - 1e-9

    def bounds(ratio: float) -> tuple[float, float]:
        ends = sorted((ratio * x.lower, ratio * x.upper))
        return difference_limits(Limits(ends[0], ratio * x.mean, ends[1]), y)

    scale = max(1.0, abs(lower), abs(upper)) * 10
    ends = (1, 0) if x.mean < 0 else (0, 1)
    assert bounds(lower)[ends[0]] == pytest.approx(0, abs=1e-6 * scale)
    assert bounds(upper)[ends[1]] == pytest.approx(0, abs=1e-6 * scale)


def test_with_symmetric_limits_the_ratio_is_fiellers() -> None:
    x, y, margins = 2.0, 3.0, (0.5, 0.8)
    limits = ratio_limits(Limits(x - 0.5, x, x + 0.5), Limits(y - 0.8, y, y + 0.8))

    def fieller(ratio: float) -> float:
        return (y - ratio * x) ** 2 - margins[1] ** 2 - (ratio * margins[0]) ** 2

    assert limits == pytest.approx(
        (optimize.brentq(fieller, 0, 1.5), optimize.brentq(fieller, 1.5, 5))
    )
