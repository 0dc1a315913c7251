"""Level and power of the test of events, with users of many messages and sides of unequal size."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.drift.numeric.events import compare_event
from tests.statistics.trials import trials

MAX_MESSAGES = 60


def draw(
    n: int, mean: float, rate: float, rng: np.random.Generator, *, steepness: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return n messages of users of unequal activity, each with a rate of events of their own.

    The rate grows with the activity to the power of ``steepness``.
    """
    activity = rng.lognormal(0.0, 1.0, 100 + int(3 * n / mean))
    sizes = np.minimum(rng.poisson(mean * activity), MAX_MESSAGES)
    activity, sizes = activity[sizes > 0], sizes[sizes > 0]
    last = np.searchsorted(np.cumsum(sizes), n) + 1
    activity, sizes = activity[:last], sizes[:last]
    rates = np.minimum(rate * activity**steepness, 0.95)
    own = rng.beta(np.maximum(2.0 * rates, 1e-9), 2.0 * (1.0 - rates))
    owners = np.repeat(np.arange(len(sizes)), sizes)[:n]
    return (rng.random(n) < own[owners]).astype(np.float64), owners


def p_values(
    n_trials: int, sides: tuple[tuple[int, float, float], ...], steepness: float = 0.0
) -> NDArray[np.float64]:
    """Return p-values of trials; a side is its size, the messages a user, and the rate."""
    rng = np.random.default_rng(20_260_401)
    drawn = ([draw(*side, rng, steepness=steepness) for side in sides] for _ in range(n_trials))
    return np.array(
        [compare_event(before[0], now[0], before[1], now[1]).p_value for before, now in drawn]
    )


@pytest.mark.slow
@trials(short=60, long=2_000)
@pytest.mark.parametrize(
    ("reference", "current", "steepness"),
    [
        ((300, 1.0, 0.1), (300, 1.0, 0.1), 0.0),
        ((1_000, 12.0, 0.01), (300, 3.0, 0.01), 0.0),
        ((300, 3.0, 0.1), (1_000, 12.0, 0.1), 0.0),
        # In a short window users are seen who send often: on one side only, that is no change.
        ((1_000, 10.0, 0.1), (1_000, 0.5, 0.1), 0.7),
        ((1_000, 0.5, 0.1), (1_000, 10.0, 0.1), -0.7),
    ],
)
def test_level_holds_with_users_of_unequal_size(
    n_trials: int,
    reference: tuple[int, float, float],
    current: tuple[int, float, float],
    steepness: float,
) -> None:
    rejected = p_values(n_trials, (reference, current), steepness) <= 0.05
    assert rejected.sum() <= stats.binom(n_trials, 0.05).ppf(0.999)


@pytest.mark.slow
@trials(short=60, long=400)
def test_rise_to_a_tenth_alarms_at_the_weekly_level(n_trials: int) -> None:
    p = p_values(n_trials, ((500, 4.0, 0.0), (500, 4.0, 0.1)))
    # Measured .92 of 400 at this level.
    assert (p <= 0.00025).sum() >= stats.binom(n_trials, 0.85).ppf(0.001)
