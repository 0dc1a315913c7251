"""Error and power of the test of a large rise, at loose levels and with users of many messages."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.drift.looks.rate_rise import UserDays, by_user_day, rise_p_value

MARGIN = 0.05


def draw(
    rng: np.random.Generator, n_users: int, rate: float, *, messages: int, alike: float, days: int
) -> UserDays:
    """Draw users with a common part of their values, and messages on some days."""
    per_user = rng.poisson(messages - 1, n_users) + 1
    users = np.repeat(np.arange(n_users), per_user)
    own = (rng.random(n_users) < rate)[users]
    fresh = rng.random(len(users)) < rate
    values = np.where(rng.random(len(users)) < alike, own, fresh).astype(float)
    keys = (users + rng.integers(0, 2**40)).astype(np.uint64)
    return by_user_day(values, keys, rng.integers(0, days, len(users)))


def p_values(
    trials: int, seed: int, *, rise: float, messages: int, alike: float, rate: float
) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.array(
        [
            rise_p_value(
                draw(rng, 1_500, rate, messages=messages, alike=alike, days=7),
                draw(rng, 400, rate + rise, messages=messages, alike=alike, days=1),
                lambda rates: rates + MARGIN,
            )
            for _ in range(trials)
        ]
    )


@pytest.mark.slow
def test_single_messages_at_the_margin_reject_at_the_level() -> None:
    p = p_values(400, 1, rise=MARGIN, messages=1, alike=0.0, rate=0.3)
    # Four standard errors.
    for level in (0.2, 0.05, 0.01):
        assert (p <= level).mean() <= level + 4 * np.sqrt(level / len(p))
    assert (p <= 0.2).mean() > 0.1


@pytest.mark.slow
def test_rare_rates_at_the_margin_reject_at_the_level() -> None:
    p = p_values(400, 2, rise=MARGIN, messages=1, alike=0.0, rate=0.01)
    assert (p <= 0.05).mean() <= 0.05 + 4 * np.sqrt(0.05 / len(p))


@pytest.mark.slow
def test_users_with_favourites_at_the_margin_reject_at_the_level() -> None:
    for messages, alike in ((5, 0.9), (3, 0.3)):
        p = p_values(200, 3, rise=MARGIN, messages=messages, alike=alike, rate=0.3)
        assert (p <= 0.05).mean() <= 0.05 + 4 * np.sqrt(0.05 / len(p))


def test_many_messages_of_each_user_add_power() -> None:
    few = p_values(20, 4, rise=0.18, messages=1, alike=0.0, rate=0.4)
    many = p_values(20, 4, rise=0.18, messages=5, alike=0.1, rate=0.4)
    assert np.median(many) < np.median(few)
