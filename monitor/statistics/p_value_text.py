"""p-values as texts have them."""

import math

#: A permutation test of the default size shows no smaller p-value.
LEAST_P_VALUE = 1e-4


def format_p_value(p_value: float) -> str:
    """Return a p-value with two significant digits, never 0; ``undefined`` without a test."""
    if math.isnan(p_value):
        return "undefined"
    if p_value <= LEAST_P_VALUE:
        return f"\N{LESS-THAN OR EQUAL TO} {LEAST_P_VALUE:.4f}"
    return f"{p_value:.2f}" if p_value >= 0.1 else f"{p_value:.2g}"


def state_p_value(p_value: float) -> str:
    """Return a p-value as a sentence has it: ``p = 0.03``."""
    formatted = format_p_value(p_value)
    return f"p = {formatted}" if formatted[0].isdigit() else f"p {formatted}"
