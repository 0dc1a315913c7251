"""Matched units: means of users, and the dealing of the larger arm."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.statistics.matched_units import deal, pair_means, user_means


def test_user_means_are_per_hour_and_arm() -> None:
    units = user_means(
        hour=np.array([1, 1, 1, 2, 1]),
        is_canary=np.array([False, False, True, False, False]),
        user=np.array([7, 7, 7, 7, 8]),
        task_type=np.zeros(5, dtype=np.int64),
        values=np.array([[1.0], [0.0], [1.0], [np.nan], [1.0]]),
    )
    rows = list(zip(units.hour, units.is_canary, units.user, units.values[:, 0], strict=True))
    assert rows[:3] == [(1, False, 7, 0.5), (1, False, 8, 1.0), (1, True, 7, 1.0)]
    assert np.isnan(rows[3][3])


def test_unknown_users_are_units_of_their_own() -> None:
    units = user_means(
        np.zeros(3, dtype=np.int64),
        np.zeros(3, dtype=np.bool_),
        np.full(3, -1),
        np.zeros(3, dtype=np.int64),
        np.ones((3, 1)),
    )
    assert len(units) == 3


def test_cell_is_the_most_frequent_task_type() -> None:
    units = user_means(
        np.zeros(6, dtype=np.int64),
        np.zeros(6, dtype=np.bool_),
        np.array([1, 1, 1, 2, 2, 3]),
        np.array([0, 5, 5, 5, 5, 0]),
        np.ones((6, 1)),
    )
    cells = dict(zip(units.user, units.cell, strict=True))
    assert cells[1] == cells[2] != cells[3]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=60),
    st.integers(0, 9),
)
def test_dealing_uses_each_smaller_unit_once(rows: list[tuple[int, bool]], seed: int) -> None:
    cell = np.array([cell for cell, _ in rows])
    is_canary = np.array([arm for _, arm in rows])
    pair = deal(cell, is_canary, np.random.default_rng(seed))
    for number in np.unique(cell):
        inside = cell == number
        n_canary, n_stable = (inside & is_canary).sum(), (inside & ~is_canary).sum()
        smaller, larger = min(n_canary, n_stable), max(n_canary, n_stable)
        dealt = pair[inside]
        assert len(np.unique(dealt[dealt >= 0])) == smaller
        assert (dealt >= 0).all() == (smaller > 0)
        if smaller:
            sizes = np.bincount(dealt)[np.unique(dealt)]
            assert sizes.max() - sizes.min() <= 1
            assert sizes.sum() == smaller + larger


def test_dealing_is_deterministic_by_seed() -> None:
    cell, is_canary = np.zeros(50, dtype=np.int64), np.arange(50) % 3 == 0
    first, again, different = (deal(cell, is_canary, np.random.default_rng(k)) for k in (1, 1, 2))
    assert (first == again).all()
    assert (first != different).any()


def test_pair_means_average_the_dealt_units() -> None:
    is_canary = np.array([True, False, False, False])
    pair = np.array([0, 0, 0, -1])
    stable, canary = pair_means(is_canary, pair, np.array([[0.0], [1.0], [0.0], [9.0]]))
    assert (stable[0, 0], canary[0, 0]) == (0.5, 0.0)
