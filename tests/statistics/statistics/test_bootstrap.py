"""Level of bounds of a mean with small strata."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from monitor.statistics.bootstrap import bca_quantiles, join_small_strata, mean_interval
from retrain.evaluation.gates.paired_tests import compare_graded
from tests.statistics.trials import trials

N_ITEMS, N_RESAMPLES = 60, 599
LEVEL = 0.05


def strata_of(*sizes: int) -> list[np.ndarray]:
    """Return the rows of strata of alternating sizes."""
    ends, turn = [0], 0
    while ends[-1] < N_ITEMS:
        ends.append(min(N_ITEMS, ends[-1] + sizes[turn % len(sizes)]))
        turn += 1
    return [np.arange(begin, end) for begin, end in pairwise(ends)]


def misses(
    strata: list[np.ndarray] | None, *, spread: float, seed: int, n_trials: int
) -> tuple[int, int]:
    """Return how often the lower bound is above, and the upper bound below, the true mean.

    Strata stay as they are, with means that differ by ``spread``; their items are drawn anew.
    """
    rng = np.random.default_rng(seed)
    centres = np.zeros(N_ITEMS)
    for rows in strata or ():
        centres[rows] = rng.normal(0, spread)
    limits = np.array(
        [
            bca_quantiles(
                centres + rng.normal(0, 0.2, size=N_ITEMS), rng, (LEVEL, 1 - LEVEL),
                strata=strata, n_resamples=N_RESAMPLES,
            )
            for _ in range(n_trials)
        ]
    )  # fmt: skip
    truth = centres.mean()
    return int((limits[:, 0] > truth).sum()), int((limits[:, 1] < truth).sum())


@pytest.mark.slow
@trials(400, 2_000)
@pytest.mark.parametrize("sizes", [(1,), (2,), (3,), (5,), (1, 2, 3, 5, 15), None], ids=str)
def test_bound_misses_the_truth_in_one_of_twenty_trials(
    sizes: tuple[int, ...] | None, n_trials: int
) -> None:
    above, below = misses(
        None if sizes is None else strata_of(*sizes), spread=0, seed=1, n_trials=n_trials
    )
    highest = stats.binom.ppf(0.999, n_trials, LEVEL)
    assert max(above, below) <= highest
    low, high = stats.binom.interval(0.998, n_trials, 2 * LEVEL)
    assert low <= above + below <= high


@pytest.mark.slow
@trials(400, 2_000)
@pytest.mark.parametrize("sizes", [(3,), (1, 2, 3, 5, 15)], ids=str)
def test_strata_that_differ_make_no_bound_too_narrow(sizes: tuple[int, ...], n_trials: int) -> None:
    above, below = misses(strata_of(*sizes), spread=0.2, seed=2, n_trials=n_trials)
    assert max(above, below) <= stats.binom.ppf(0.999, n_trials, LEVEL)


def test_small_strata_are_joined_and_large_ones_kept() -> None:
    strata = [np.arange(0, 20), np.arange(20, 32), np.arange(32, 41), np.arange(41, 42)]
    joined = join_small_strata(strata)
    assert sorted(map(len, joined)) == [10, 12, 20]
    assert sorted(np.concatenate(joined)) == list(range(42))
    assert sorted(map(len, join_small_strata(strata[:2]))) == [12, 20]


def test_small_remainder_joins_the_smallest_stratum() -> None:
    strata = [np.arange(0, 20), np.arange(20, 32), np.arange(32, 41)]
    assert sorted(map(len, join_small_strata(strata))) == [20, 21]
    assert [len(stratum) for stratum in join_small_strata(strata[2:])] == [9]


def test_differences_between_strata_only_have_a_bound() -> None:
    first = np.r_[np.full(12, 0.5), np.zeros(100)]
    interval = compare_graded(
        first, np.zeros(112), np.random.default_rng(0),
        strata=[np.arange(12), np.arange(12, 112)], confidence=0.95,
    )  # fmt: skip
    assert interval.lower_bound < interval.difference < interval.upper_bound


def test_limits_stay_in_the_range_of_the_metric() -> None:
    values = np.r_[np.ones(9), 0.9]
    assert mean_interval(values, np.random.default_rng(0))[1] == 1
    interval = compare_graded(
        values, np.zeros(10), np.random.default_rng(0), strata=[np.arange(10)], confidence=0.95
    )
    assert interval.upper == 1
