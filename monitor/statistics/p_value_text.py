"""p-values as texts have them."""

import math

#: A permutation test of the default size shows no smaller p-value.
LEAST_P_VALUE = 1e-4


def format_p_value(p_value: float, least: float = LEAST_P_VALUE) -> str:
    """Return a p-value with two significant digits, never 0; ``undefined`` without a test.

    One below ``least`` is shown as at most this.
    """
    if math.isnan(p_value):
        return "undefined"
    if p_value <= least:
        return f"\N{LESS-THAN OR EQUAL TO} {_plain(least)}"
    return f"{p_value:.2f}" if p_value >= 0.1 else _plain(p_value)


def format_level(level: float) -> str:
    """Return a level of a test with two significant digits."""
    return _plain(level)


def state_p_value(p_value: float, level: float | None = None) -> str:
    """Return a p-value as a sentence has it: ``p = 0.03, level 0.005``.

    The level is what it is compared with; ``None``: that is unknown, or nothing was tested.
    """
    # A test of a strict level has as many permutations as it needs (permutations_for).
    least = LEAST_P_VALUE if level is None else min(LEAST_P_VALUE, level / 10.0)
    formatted = format_p_value(p_value, least)
    stated = f"p = {formatted}" if formatted[0].isdigit() else f"p {formatted}"
    if level is None or math.isnan(p_value):
        return stated
    return f"{stated}, level {format_level(level)}"


def _plain(value: float) -> str:
    """Return a number with two significant digits, without an exponent down to a millionth."""
    if value < 1e-6:
        return f"{value:.2g}"
    digits = max(0, 1 - math.floor(math.log10(value)))
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if value < 0.1 else f"{value:.2g}"
