"""Texts of p-values: never 0, and no digits that nobody acts on."""

import math

import pytest

from monitor.statistics.p_value_text import format_p_value, state_p_value


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
