"""Fallen coverage: false rates of drift-free weeks and power, by simulation."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.statistics.coverage import LEVEL, Coverage, has_fallen
from tests.statistics.trials import trials

#: Exchanges of a week, and how users differ in whether theirs have a value.
SIZES = (150, 500, 2000)
HABITS = ("equal", "unequal", "opposite")


def draw_shares(rng: np.random.Generator, habit: str, n_users: int) -> NDArray[np.float64]:
    """Return each user's share of exchanges with a value, ``[n_users]``."""
    share = rng.choice([1.0, 0.97, 0.7, 0.3, 0.1, 0.03])
    if habit == "unequal" and share < 1.0:
        return rng.beta(share, 1.0 - share, n_users)
    if habit == "opposite":
        return (rng.random(n_users) < share).astype(float)
    return np.full(n_users, share)


def draw_users(
    rng: np.random.Generator, activity: NDArray[np.float64], shares: NDArray[np.float64], n: int
) -> Coverage:
    """Return the coverage, by user, of ``n`` exchanges in which half of the users are active."""
    active = activity * (rng.random(len(activity)) < 0.5)
    active[rng.integers(len(activity))] += 1e-3
    counts = rng.multinomial(n, active / active.sum())
    return Coverage.of_clusters(rng.binomial(counts, shares), counts)


@trials(short=400, long=20_000)
def test_has_fallen_unchanged_habits_of_users_is_false(n_trials: int) -> None:
    """One user may send most exchanges, and users come and go from week to week."""
    fallen = 0
    for trial in range(n_trials):
        rng = np.random.default_rng([38, trial])
        n_users = int(rng.choice([25, 100, 1000]))
        activity = rng.lognormal(0.0, rng.choice([0.5, 1.5, 2.5]), n_users)
        shares = draw_shares(rng, HABITS[trial % 3], n_users)
        before = draw_users(rng, activity, shares, int(rng.choice([600, 8000])))
        fallen += has_fallen(before, draw_users(rng, activity, shares, int(rng.choice(SIZES))))
    assert fallen <= stats.binom.ppf(0.999, n_trials, LEVEL)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(("before", "now"), [(1.0, 0.4), (1.0, 0.0), (0.3, 0.0)])
def test_has_fallen_lost_values_is_true(before: float, now: float, n: int) -> None:
    rng = np.random.default_rng([n, int(100 * before)])
    fallen = [
        has_fallen(Coverage(rng.binomial(600, before), 600), Coverage(rng.binomial(n, now), n))
        for _ in range(100)
    ]
    assert sum(fallen) >= 95


def test_has_fallen_heavy_user_that_left_is_false() -> None:
    before = Coverage.of_clusters([250] + [0] * 250, [250] + [1] * 250)
    now = Coverage.of_clusters([0] * 400, [1] * 400)
    assert not has_fallen(before, now)
    assert has_fallen(Coverage(before.n, before.of), now)


def test_has_fallen_value_of_a_few_days_is_false() -> None:
    """A batch job sends the value on two days of four weeks."""
    before = Coverage.of_clusters([100] * 2 + [0] * 26, [100] * 28)
    assert not has_fallen(before, Coverage.of_clusters([0] * 7, [100] * 7))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (Coverage(600, 600), Coverage(0, 400), True),
        (Coverage(600, 600), Coverage(280, 400), False),
        (Coverage(18, 600), Coverage(0, 80), False),
        (Coverage(600, 600), Coverage(0, 1), False),
        (Coverage(0, 600), Coverage(0, 400), False),
        (Coverage(600, 600), Coverage(0, 0), False),
        (Coverage(0, 0), Coverage(0, 400), False),
    ],
)
def test_has_fallen_counts_as_expected(before: Coverage, now: Coverage, expected: bool) -> None:
    assert has_fallen(before, now) is expected
