"""Drift-free traffic: several messages a user, and the same cycles in every week."""

from pathlib import Path

import numpy as np
import pytest

from bench.drift.sources.synthetic import make_synthetic
from bench.drift.sources.traffic import Habits, draw_days, draw_habits, save_texts


@pytest.fixture(scope="module")
def habits(tmp_path_factory: pytest.TempPathFactory) -> Habits:
    folder: Path = tmp_path_factory.mktemp("data")
    make_synthetic(0, n_in_scope=1_500, n_novel=50).save(folder)
    save_texts([f"text {row}" for row in range(1_550)], folder)
    return draw_habits(folder, np.random.default_rng(3))


def mix(habits: Habits, first_day: int, seed: int) -> np.ndarray:
    names = draw_days(habits, first_day, 1, 6_000, np.random.default_rng(seed)).task_types
    numbers = np.array([int(name.removeprefix("domain ")) for name in names])
    return np.bincount(numbers, minlength=habits.data.domains.max() + 1) / len(numbers)


def test_users_write_several_messages(habits: Habits) -> None:
    week = draw_days(habits, 0, 7, 1_000, np.random.default_rng(1))
    assert 800 <= len(week) <= 1_200
    assert len(week) >= 2 * len(set(week.end_users))
    assert {at.weekday() for at in week.occurred_at} == set(range(7))
    assert draw_days(habits, 5, 1, 99, np.random.default_rng(1)).occurred_at[0].weekday() == 5


@pytest.mark.slow
def test_weekends_differ_from_weekdays_and_repeat(habits: Habits) -> None:
    monday, friday, saturday, later = (
        mix(habits, day, seed) for day, seed in ((0, 1), (4, 2), (5, 3), (33, 4))
    )
    noise = 0.5 * np.abs(monday - friday).sum()
    assert 0.5 * np.abs(saturday - later).sum() < 0.05
    assert 0.5 * np.abs(monday - saturday).sum() > 2 * noise
