"""The exact test of a rare event, against SciPy and against all relabellings of the users."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from monitor.drift.numeric.events import EventTest, compare_event


def repeated(counts, sizes):
    """Return messages of users: how many of each user's have the event, first, and of how many."""
    events = [np.arange(size) < count for count, size in zip(counts, sizes, strict=True)]
    owners = np.repeat(np.arange(len(sizes)), sizes)
    return np.concatenate(events).astype(np.float64), owners


@pytest.mark.parametrize(
    ("n", "x", "m", "y"), [(150, 0, 150, 15), (100, 3, 200, 9), (50, 50, 50, 2)]
)
def test_one_message_a_user_is_fishers_test(n: int, x: int, m: int, y: int) -> None:
    before, now = (np.arange(size) < count for size, count in ((n, x), (m, y)))
    test = compare_event(before.astype(float), now.astype(float), np.arange(n), np.arange(m))
    table = [[y, m - y], [x, n - x]]
    assert test.p_value == pytest.approx(stats.fisher_exact(table, alternative="greater")[1])
    most = stats.hypergeom(n + m, x + y, m).pmf(min(x + y, m))
    assert test.attainable == pytest.approx(most)


@pytest.mark.parametrize("sizes", [(1, 1, 2, 2, 5), (3, 3, 3, 4, 4), (1, 2, 3, 4, 5)])
def test_p_value_is_the_share_of_relabellings_within_strata(sizes) -> None:
    # All of a user's messages have the event or none, so that which are drawn makes no difference.
    before, now = np.array([0, 1, 0, 0, 0]), np.array([1, 1, 0, 1, 1])
    reference, current = repeated(before * sizes, sizes), repeated(now * sizes, sizes)
    test = compare_event(reference[0], current[0], reference[1], current[1])
    # At most so many messages are drawn as hold one event on average.
    rate = (before @ sizes + now @ sizes) / (2 * sum(sizes))
    strata = np.minimum(np.array(sizes), int(1 / rate))
    sums = [
        [sum(chosen) for chosen in combinations([*before[own], *now[own]], own.sum())]
        for own in (strata == stratum for stratum in np.unique(strata))
    ]
    all_sums = [sum(each) for each in product(*sums)]
    assert test.p_value == pytest.approx(np.mean([total >= now.sum() for total in all_sums]))
    assert test.attainable == pytest.approx(np.mean([t == max(all_sums) for t in all_sums]))


def test_strata_of_unequal_sizes_are_relabelled_apart() -> None:
    sizes = np.array([1] * 6 + [4] * 6)
    before, now = np.zeros(12, dtype=int), np.array([0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0])
    reference, current = repeated(before, sizes), repeated(now * sizes, sizes)
    of_one, of_four = stats.hypergeom(12, 2, 6), stats.hypergeom(12, 3, 6)
    test = compare_event(reference[0], current[0], reference[1], current[1])
    assert test.p_value == pytest.approx(of_one.pmf(2) * of_four.pmf(3))


def test_user_with_many_events_is_one_observation() -> None:
    none = np.zeros(200)
    now = none.copy()
    now[:40] = 1.0
    alone, loud = np.arange(200), np.r_[np.zeros(40, dtype=int), np.arange(1, 161)]
    assert compare_event(none, now, alone, loud).p_value > 0.4
    assert compare_event(none, now, alone, alone).p_value < 1e-9


def test_missing_values_are_left_out() -> None:
    before, now = np.zeros(60), np.r_[np.ones(6), np.zeros(54)]
    users = np.arange(60)
    expected = compare_event(before[:20], now[:20], users[:20], users[:20])
    before[20:], now[20:] = np.nan, np.nan
    assert compare_event(before, now, users, users) == expected


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_without_an_event_nothing_can_be_significant(value: float) -> None:
    values = np.full(30, value)
    assert compare_event(values, values, np.arange(30), np.arange(30)) == EventTest(1.0, 1.0)


def test_equal_rates_and_falls_are_not_significant() -> None:
    often, seldom = np.r_[np.ones(20), np.zeros(80)], np.r_[np.ones(2), np.zeros(98)]
    users = np.arange(100)
    assert compare_event(often, often, users, users).p_value > 0.5
    assert compare_event(often, seldom, users, users).p_value > 0.99
