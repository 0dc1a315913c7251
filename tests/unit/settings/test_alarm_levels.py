"""The levels of all tests follow from one budget, for weekly and for daily windows."""

import inspect
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import pytest

from monitor.drift import compare, compare_given, watch
from monitor.settings import Drift, Settings, load_settings
from monitor.statistics.alarm_levels import (
    DEFAULT_LEVELS,
    MIN_DRIFTED_SHARE,
    SPENT,
    WINDOWS_A_YEAR,
    Schedule,
    permutations_for,
)

#: Of a budget of .5: what the tests spend by design.
DESIGNED = 0.35


@pytest.mark.parametrize("schedule", ["weekly", "daily"])
@pytest.mark.parametrize("budget", [0.05, 0.5, 12.0])
def test_levels_of_a_year_stay_within_the_budget(schedule: Schedule, budget: float) -> None:
    levels = Drift(false_alarms_a_year=budget).levels(schedule)
    spent = levels.false_alarms(WINDOWS_A_YEAR[schedule])
    assert spent == pytest.approx(DESIGNED / 0.5 * budget)
    assert all(0.0 < level < 0.5 for level in vars(levels).values())


def test_parts_of_the_budget_sum_to_seven_tenths_exactly() -> None:
    parts = {name: Fraction(str(share)) for name, share in SPENT.items()}
    assert sum(parts.values()) == Fraction(7, 10)
    assert parts["output"] + parts["events"] == Fraction(104, 1000)
    assert parts.keys() == {field.name for field in fields(DEFAULT_LEVELS)}


def test_weekly_levels_at_the_defaults() -> None:
    levels = Settings().alarm_levels
    assert levels == DEFAULT_LEVELS
    assert levels.input == pytest.approx(0.005)
    assert levels.output == pytest.approx(0.00075)
    assert levels.events == pytest.approx(0.00025)
    assert levels.slow == pytest.approx(0.013)


def test_daily_windows_have_the_yearly_sum_of_weekly_ones() -> None:
    daily = Settings(monitoring={"drift_detection": "daily"}).alarm_levels
    for name in ("input", "output", "events", "metrics", "looks"):
        weekly = getattr(DEFAULT_LEVELS, name)
        assert 365 * getattr(daily, name) == pytest.approx(52 * weekly)
    assert daily.slow == DEFAULT_LEVELS.slow


@pytest.mark.parametrize("n_versions", [0, 1, 2, 5])
def test_versions_of_a_window_share_its_levels(n_versions: int) -> None:
    shared, n = DEFAULT_LEVELS.share(n_versions), max(n_versions, 1)
    together = n * shared.false_alarms(52) - (n - 1) * shared.slow  # tested once a window
    assert together == pytest.approx(DEFAULT_LEVELS.false_alarms(52))


@pytest.mark.parametrize("schedule", ["weekly", "daily"])
@pytest.mark.parametrize("n_versions", [1, 3])
def test_permutations_reach_a_tenth_of_the_level(schedule: Schedule, n_versions: int) -> None:
    levels = Drift().levels(schedule).share(n_versions)
    for level in (levels.input, levels.output):
        n = permutations_for(level, Drift().n_permutations)
        assert n >= Drift().n_permutations
        assert 1 / (1 + n) <= level / 10


def test_the_least_number_of_permutations_is_kept() -> None:
    assert permutations_for(0.005, 9_999) == 9_999
    assert permutations_for(0.001, 99) == 9_999


@pytest.mark.parametrize("function", [compare, compare_given, watch])
def test_functions_on_arrays_have_the_weekly_rule(function: object) -> None:
    level = {compare: "input", compare_given: "output", watch: "slow"}[function]
    defaults = inspect.signature(function).parameters
    assert defaults["alpha"].default == getattr(DEFAULT_LEVELS, level)
    assert defaults["minimum_drifted_share"].default == MIN_DRIFTED_SHARE


def test_the_file_sets_the_budget(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        'drift.false_alarms_a_year = 1.0\nmonitoring.drift_detection = "daily"\n', encoding="utf-8"
    )
    assert load_settings(path).alarm_levels.input == pytest.approx(0.52 / 365)
