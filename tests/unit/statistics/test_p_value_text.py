"""Texts of p-values: never 0, and no digits that nobody acts on."""

import math

import pytest

from monitor.statistics.p_value_text import format_level, format_p_value, state_p_value


@pytest.mark.parametrize(
    ("p_value", "formatted", "stated"),
    [
        (1.0, "1.00", "p = 1.00"),
        (0.3, "0.30", "p = 0.30"),
        (0.0321, "0.032", "p = 0.032"),
        (0.00011, "0.00011", "p = 0.00011"),
        (1e-4, "≤ 0.0001", "p ≤ 0.0001"),  # all that a permutation test of 9,999 can show
        (4.5e-308, "≤ 0.0001", "p ≤ 0.0001"),
        (0.0, "≤ 0.0001", "p ≤ 0.0001"),
        (math.nan, "undefined", "p undefined"),
    ],
)
def test_small_p_values_are_bounds(p_value: float, formatted: str, stated: str) -> None:
    assert (format_p_value(p_value), state_p_value(p_value)) == (formatted, stated)


@pytest.mark.parametrize(
    ("p_value", "level", "stated"),
    [
        (0.004, 0.0036, "p = 0.004, level 0.0036"),
        (0.0, 0.005, "p ≤ 0.0001, level 0.005"),
        # A test of 50 versions has the permutations to show less than its level.
        (0.00001, 0.00007, "p = 0.00001, level 0.00007"),
        (0.000001, 0.00007, "p ≤ 0.000007, level 0.00007"),
        (0.4, None, "p = 0.40"),
        (math.nan, 0.005, "p undefined"),
    ],
)
def test_a_p_value_is_stated_with_its_level(
    p_value: float, level: float | None, stated: str
) -> None:
    assert state_p_value(p_value, level) == stated


def test_levels_have_two_digits_and_no_exponent() -> None:
    levels = (0.05, 0.005, 0.00071, 0.000041, 0.0035714, 1.1e-7)
    assert [format_level(level) for level in levels] == [
        *("0.05", "0.005", "0.00071", "0.000041", "0.0036", "1.1e-07")
    ]
