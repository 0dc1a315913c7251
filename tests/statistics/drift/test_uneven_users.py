"""Numbers of end users with different activity: variance of large end users."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import NumericComparison, compare_numeric
from monitor.drift.numeric.side import Side, make_side

TRIALS = 120
#: Exchanges of each user: a power law, and one with a quarter or a half of all.
POWER_LAW = [max(1, 100 // rank) for rank in range(1, 201)]
A_QUARTER = [100] + [1] * 300
A_HALF = [300] + [1] * 300
EVEN = [1] * 300


def moods(sizes: list[int], rng: Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw numbers around 5; half of the variance is between end users."""
    user = np.arange(len(sizes)).repeat(sizes)
    own, noise = rng.normal(size=len(sizes)), rng.normal(size=len(user))
    return 5 + (own[user] + noise) / np.sqrt(2), user


def undrifted(
    reference: list[int], current: list[int], *, booleans: bool
) -> list[NumericComparison]:
    results = []
    for trial in range(TRIALS):
        rng = np.random.default_rng([29, trial])
        (x, x_user), (y, y_user) = moods(reference, rng), moods(current, rng)
        sides = (x < 4, y < 4) if booleans else (x, y)
        result = compare_numeric(*sides, reference_groups=x_user, current_groups=y_user)
        assert result is not None
        results.append(result)
    return results


@pytest.mark.slow
@pytest.mark.parametrize("booleans", [False, True])
@pytest.mark.parametrize(
    ("reference", "current"),
    [(EVEN, A_HALF), (EVEN, A_QUARTER), (A_HALF, A_HALF), (POWER_LAW, POWER_LAW[:100])],
)
def test_users_who_write_differently_often_raise_no_alarm(
    reference: list[int], current: list[int], *, booleans: bool
) -> None:
    """Without the jackknife, 22% to 45% of these are significant at 5%."""
    results = undrifted(reference, current, booleans=booleans)
    # With a power law a handful of users decide: the level holds roughly.
    most = stats.binom.ppf(0.999, TRIALS, 0.07 if reference is POWER_LAW else 0.05)
    least = TRIALS - most
    assert sum(result.p_value <= 0.05 for result in results) <= most
    assert sum(result.mean_p_value <= 0.05 for result in results) <= most
    assert sum(result.effect_lower <= 0 <= result.effect_upper for result in results) >= least
    changes = [
        (result.relative_change_lower, result.relative_change_upper)
        for result in results
        if result.relative_change_lower is not None and result.relative_change_upper is not None
    ]
    assert sum(lower > 0 or upper < 0 for lower, upper in changes) <= most


def test_change_of_all_users_is_detected_despite_a_large_user() -> None:
    """The large end user costs power, but not all of it."""
    seen = 0
    for trial in range(20):
        rng = np.random.default_rng([30, trial])
        (x, x_user), (y, y_user) = moods(EVEN, rng), moods(A_QUARTER, rng)
        result = compare_numeric(x, y + 2, reference_groups=x_user, current_groups=y_user)
        assert result is not None
        seen += result.mean_p_value <= 0.05
    assert seen >= 18


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.floats(-5, 5), st.integers(0, 4), st.floats(0.1, 9)), min_size=5, max_size=30
    ),
    st.booleans(),
)
def test_the_variance_of_a_mean_is_the_jackknifes(
    rows: list[tuple[float, int, float]], weighted: bool
) -> None:
    values, user, weights = (np.array(column) for column in zip(*rows, strict=True))
    if len(set(user.tolist())) < 2:
        return
    side = make_side(values, user, weights if weighted else None, "x")

    def mean(rows: NDArray[np.bool_]) -> float:
        return float(np.average(values[rows], weights=weights[rows] if weighted else None))

    whole = mean(np.ones(len(values), dtype=bool))
    jackknifed = np.array([mean(user != result) for result in np.unique(user)])
    n_users = len(jackknifed)
    expected = (n_users - 1) / n_users * ((jackknifed - whole) ** 2).sum()
    assert side.variance_of_mean(side.values) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=20))
def test_effective_users_of_equal_and_unequal_sizes(sizes: list[int]) -> None:
    def side(sizes: list[int]) -> Side:
        return make_side(np.zeros(sum(sizes)), np.arange(len(sizes)).repeat(sizes), None, "x")

    assert side([sizes[0]] * len(sizes)).n_effective == pytest.approx(len(sizes))
    assert 2 <= side(sizes).n_effective <= len(sizes)
