"""The estimate of the drifted share: bias, coverage, users, weights."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import compare
from monitor.drift.drifted_share import DriftedShare, Tail, estimate_excess
from tests.statistics.trials import trials

N = 1_000
WHOLE = (Tail(0.1, 1.0, 1.0),)


def scores(
    rng: np.random.Generator, share: float, n: int = N
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return scores of both sides; those of the drifted samples exceed all others."""
    values = rng.random(2 * n)
    is_current = np.arange(2 * n) >= n
    values[n : n + round(share * n)] += 1.0
    return values, is_current


@pytest.mark.parametrize("share", [0.0, 0.02, 0.10, 0.50])
@trials(100, 1_000)
def test_interval_covers_in_95_percent(share: float, n_trials: int) -> None:
    rng, estimates = np.random.default_rng(1), []
    for _ in range(n_trials):
        values, is_current = scores(rng, share)
        weights, units = np.ones(len(values)), np.arange(len(values))
        estimates.append(estimate_excess(values, is_current, weights, units, tails=WHOLE))
    covered = sum(estimate.lower <= share <= estimate.upper for estimate in estimates)
    # The variance allows for scores that depend on each other; these do not.
    assert covered >= stats.binom.ppf(0.001, n_trials, 0.95)
    if share > 0:
        mean = float(np.mean([estimate.estimate for estimate in estimates]))
        noise = 4 * 0.016 / np.sqrt(n_trials)
        # No estimate is negative, which raises the mean of small shares: .0225 at .02.
        bias = 0.001 if share < 0.05 else 0.0
        assert share - noise <= mean <= share + noise + bias


def test_messages_of_one_user_count_as_one() -> None:
    rng = np.random.default_rng(2)
    values, is_current = scores(rng, 0.1)
    alone = estimate(values, is_current, np.arange(len(values)))
    users = estimate(np.repeat(values[::10], 10), is_current, np.arange(len(values)) // 10)
    assert users.upper - users.estimate > 2.5 * (alone.upper - alone.estimate)


def test_weights_stand_for_the_traffic() -> None:
    """Half of the drifted samples were drawn at half the rate."""
    rng = np.random.default_rng(3)
    values, is_current = scores(rng, 0.2, n=20_000)
    weights = np.ones(len(values))
    weights[20_000:22_000] = 2.0
    weighted = estimate_excess(values, is_current, weights, np.arange(len(values)), tails=WHOLE)
    assert weighted.estimate == pytest.approx(6_000 / 22_000, abs=0.01)


def estimate(
    values: NDArray[np.float64], is_current: NDArray[np.bool_], units: NDArray[np.int64]
) -> DriftedShare:
    return estimate_excess(values, is_current, np.ones(len(values)), units, tails=WHOLE)


def window(rng: np.random.Generator, centres: NDArray[np.float64], topic: NDArray[np.int64]):
    points = centres[topic] + 0.15 * rng.standard_normal((len(topic), centres.shape[1]))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.05, 0.20])
@trials(4, 40)
def test_estimate_of_a_new_topic_is_close(share: float, n_trials: int) -> None:
    estimates = []
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        centres = rng.standard_normal((12, 16))
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        topic = rng.integers(10, size=600)
        topic[: round(share * 600)] = 11
        result = compare(
            window(rng, centres, rng.integers(10, size=600)),
            window(rng, centres, topic),
            rng=rng,
            n_permutations=199,
            locate=False,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        estimates.append((result.drifted_share, *result.drifted_share_interval))
    mean = float(np.mean([estimate for estimate, _, _ in estimates]))
    assert mean == pytest.approx(share, rel=0.2)
    assert sum(lower <= share <= upper for _, lower, upper in estimates) >= 0.75 * n_trials


@pytest.mark.slow
def test_estimate_does_not_depend_on_the_seed() -> None:
    rng = np.random.default_rng(5)
    centres = rng.standard_normal((12, 16))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    topic = rng.integers(10, size=500)
    topic[:40] = 11
    sides = window(rng, centres, rng.integers(10, size=500)), window(rng, centres, topic)
    shares = {
        compare(
            *sides,
            rng=np.random.default_rng(seed),
            n_permutations=199,
            locate=False,
            alpha=0.05,
            minimum_drifted_share=0.0,
        ).drifted_share
        for seed in range(3)
    }
    assert len(shares) == 1
