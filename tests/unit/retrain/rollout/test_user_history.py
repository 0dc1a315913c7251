import numpy as np
import pytest

from monitor.statistics.matched_units import Units
from retrain.rollout.checks.user_history import (
    HistorySums,
    empty_history,
    learn_history,
    user_history,
)


def units_of(*rows: tuple[int, bool, int, float]) -> Units:
    """Return units of hour, arm, user and value."""
    hour, is_canary, user, value = (np.array(column) for column in zip(*rows, strict=True))
    return Units(hour, np.zeros(len(rows), dtype=np.int64), is_canary, value[:, None], user)


def sums_with(correlation: float, *hours: int, mean: float = 0.5) -> HistorySums:
    """Return sums of hours with a mean, and with an intraclass correlation."""
    figures = np.array([[100.0], [100.0], [100.0], [100.0], [100.0 * correlation]])
    return HistorySums(np.array(hours), np.full((len(hours), 1), mean), figures)


def test_expectation_shrinks_the_mean_of_earlier_hours() -> None:
    earlier = units_of((1, True, 7, 1.0), (2, False, 7, 1.0), (2, True, 8, 0.0))
    history = user_history(sums_with(0.2, 1, 2), units_of((3, True, 7, 0.0)), earlier)
    assert history is not None
    weight = 2 * 0.2 / 1.2
    assert history.n_hours[0, 0] == 2
    assert history.expected[0, 0] == pytest.approx(weight * 0.5)
    assert history.carried[0, 0] == pytest.approx(weight / 2)


def test_late_value_is_no_part_of_its_own_past() -> None:
    earlier = units_of((1, True, 7, 1.0), (2, True, 7, 0.0))
    late = units_of((2, True, 7, 0.0), (3, True, 7, 1.0))
    history = user_history(sums_with(0.2, 1, 2), late, earlier)
    assert history is not None
    assert history.n_hours[:, 0].tolist() == [1, 2]
    assert history.deviation[:, 0].tolist() == [0.5, 0.0]


def test_unknown_users_have_no_past() -> None:
    earlier = units_of((1, True, -1, 1.0), (1, True, 7, 1.0))
    history = user_history(
        sums_with(0.2, 1), units_of((2, True, -1, 1.0), (2, True, 7, 1.0)), earlier
    )
    assert history is not None
    assert history.n_hours[:, 0].tolist() == [0, 1]
    assert user_history(sums_with(0.2, 1), units_of((2, True, 9, 1.0)), earlier) is None


def test_hour_without_a_mean_takes_that_of_all_hours() -> None:
    sums = sums_with(0.2, 1, 2)
    sums.means[1] = np.nan
    history = user_history(sums, units_of((3, True, 7, 0.0)), units_of((2, True, 7, 1.0)))
    assert history is not None
    assert history.deviation[0, 0] == 0.5


def test_correlation_is_estimated_from_returning_users() -> None:
    rng = np.random.default_rng(0)
    rates = rng.beta(2, 2, 300)  # intraclass correlation 1 / (1 + 4)
    sums, earlier = empty_history(1), None
    for hour in range(8):
        rows = [
            (hour, user % 2 == 0, user, float(rng.random() < rates[user])) for user in range(300)
        ]
        units = units_of(*rows)
        history = None if earlier is None else user_history(sums, units, earlier)
        sums = learn_history(sums, hour, units, history)
        earlier = (
            units
            if earlier is None
            else units_of(
                *zip(
                    np.append(earlier.hour, units.hour),
                    np.append(earlier.is_canary, units.is_canary),
                    np.append(earlier.user, units.user),
                    np.append(earlier.values[:, 0], units.values[:, 0]),
                    strict=True,
                )
            )
        )
    assert sums.correlation[0] == pytest.approx(0.2, abs=0.05)
