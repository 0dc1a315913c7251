"""``compare`` on data that was not used for tuning: digits, with and without an offset."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import compare
from tests.statistics.trials import trials

N = 300
#: The digit that the reference lacks.
NEW = 7


@pytest.fixture(scope="module", params=[0.0, 60.0], ids=["centred", "alike"])
def digits(request: pytest.FixtureRequest) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return unit vectors [1797, 64]; with an offset their mean cosine is 0.75."""
    from sklearn.datasets import load_digits

    data = load_digits()
    points = data.data - data.data.mean(axis=0)
    points[:, 0] += request.param
    return points / np.linalg.norm(points, axis=1, keepdims=True), data.target


def windows(
    digit: NDArray[np.int64], n_new: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    known = rng.permutation(np.flatnonzero(digit != NEW))
    new = rng.permutation(np.flatnonzero(digit == NEW))[:n_new]
    return known[:N], np.concatenate([known[N : 2 * N - n_new], new])


@pytest.mark.slow
@trials(5, 30)
def test_level_holds_on_digits(digits, n_trials: int) -> None:
    points, digit = digits
    rejections = 0
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        reference, current = windows(digit, 0, rng)
        result = compare(
            points[reference],
            points[current],
            rng=rng,
            n_permutations=99,
            locate=False,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        rejections += result.p_value <= 0.05
    assert stats.binom.sf(rejections - 1, n_trials, 0.05) > 0.001


@pytest.mark.slow
def test_a_new_digit_is_found_and_pointed_at(digits) -> None:
    points, digit = digits
    for seed in range(3):
        rng = np.random.default_rng(seed)
        reference, current = windows(digit, 30, rng)
        result = compare(
            points[reference],
            points[current],
            rng=rng,
            n_permutations=199,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        assert result.verdict == "drift"
        assert 0.0 < result.drifted_share_interval[0] <= 0.1
        assert (np.argsort(-result.novelty)[:20] >= N - 30).mean() > 0.8
