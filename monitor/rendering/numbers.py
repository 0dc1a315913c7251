"""Formats of numbers, shares, dates and lists of names in user-visible texts."""

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from monitor.store.windows.assessment import NumericAssessment, ShareEstimate

#: Most decimals of a percentage.
MOST_DIGITS = 2


def format_mean(mean: float) -> str:
    """Return a mean with three significant digits, without an exponent where that is readable."""
    return f"{mean:,.0f}" if 1000 <= abs(mean) < 1e7 else f"{mean:.3g}"


def format_means(column: NumericAssessment) -> str:
    """Return the means of both sides with their unit: "from 3.96 to 2.95 of 5"."""
    means = f"from {format_mean(column.reference_mean)} to {format_mean(column.current_mean)}"
    return f"{means} {column.unit}" if column.unit else means


def format_dominance(effect: float, lower: float | None = None, upper: float | None = None) -> str:
    """Return Cliff's delta in words: "lower in 76% of pairs (73% to 80%)".

    A pair is a value of each side, of which that of the window is lower or higher; ties count half.
    """
    word, sign = ("lower", -1.0) if effect < 0 else ("higher", 1.0)
    text = f"{word} in {0.5 + abs(effect) / 2:.0%} of pairs"
    if lower is None or upper is None or not math.isfinite(lower + upper):
        return text
    least, most = sorted((0.5 + sign * lower / 2, 0.5 + sign * upper / 2))
    return f"{text} ({least:.0%} to {most:.0%})"


def explain_mean(reference_mean: float, current_mean: float, effect: float) -> str:
    """Return why a mean moved against most values; empty where it did not."""
    rise = current_mean - reference_mean
    if rise * effect >= 0:
        return ""
    return "few large values raise the mean" if rise > 0 else "few small values lower the mean"


def format_share(share: float) -> str:
    """Return a share in percent, with one decimal below 10%."""
    return f"{share:.0%}" if share >= 0.0995 or share == 0 else f"{share:.1%}"


def format_estimate(share: ShareEstimate) -> str:
    """Return an estimated share with its interval."""
    estimate, lower, upper = format_known(share.estimate, share.lower, share.upper)
    return f"about {estimate} ({lower} to {upper})"


def format_rounded(share: ShareEstimate) -> str:
    """Return an estimated share without its interval, as exact as the interval knows it."""
    width = share.upper - share.lower
    return format_known(share.estimate, share.estimate, share.estimate + width)[0]


def format_relative(change: float, lower: float | None, upper: float | None) -> str:
    """Return the size of a relative change, as exact as its interval knows it, if it has one."""
    if lower is None or upper is None or not math.isfinite(lower + upper):
        return f"{abs(change):.0%}"
    return format_known(abs(change), lower, upper)[0]


def format_known(
    estimate: float, lower: float, upper: float, *, unit: str = "percent"
) -> tuple[str, str, str]:
    """Return an estimate and its limits, as exact as the interval knows them.

    ``points`` are hundredths without a sign of percent; a ``value`` may have more decimals.
    """
    numbers = (estimate, lower, upper)
    if unit == "value":
        width = abs(upper - lower) or abs(estimate) or 1.0
        decimals = max(0, math.ceil(-math.log10(width)))
        written = [f"{number:,.{decimals}f}" for number in numbers]
    else:
        digits = _known_digits(*numbers)
        # A limit may be exact, such as that of all texts: its zeros say nothing.
        while digits and all(f"{100.0 * number:.{digits}f}"[-1] == "0" for number in numbers):
            digits -= 1
        sign = "%" if unit == "percent" else ""
        written = [f"{100.0 * number:.{digits}f}{sign}" for number in numbers]
    return written[0], written[1], written[2]


def _known_digits(estimate: float, lower: float, upper: float) -> int:
    """Return the decimals of a percentage whose step is at most the width of its interval.

    A limit above 0 is never rounded to 0.
    """
    half_width = 50.0 * abs(upper - lower)
    digits = 0 if half_width >= 0.5 else 1 if half_width >= 0.05 else 2
    smallest = min((abs(value) for value in (estimate, lower) if value), default=1.0)
    while digits < MOST_DIGITS and round(100.0 * smallest, digits) == 0:
        digits += 1
    return digits


def is_above_zero(share: ShareEstimate) -> bool:
    """Return whether the interval of a share holds no 0, not even a rounded one."""
    return round(share.lower, MOST_DIGITS + 2) > 0.0


def signed(value: float, form: str) -> str:
    """Return a number by a form with a sign, such as ``+.1f``; without it where it rounds to 0."""
    text = format(value, form)
    return text if any(digit in "123456789" for digit in text) else text[1:]


def excludes_zero(lower: float | None, upper: float | None) -> bool:
    """Return whether an interval is known and holds no 0."""
    return lower is not None and upper is not None and (0.0 < lower <= upper or lower <= upper < 0)


def format_day(day: date) -> str:
    """Return a day and its month."""
    return f"{day.day} {day:%b}"


def format_instant(at: datetime) -> str:
    """Return a time to the minute."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def format_window(window: tuple[datetime, datetime]) -> str:
    """Return the first and the last day of a window."""
    first, last = window[0], window[1] - timedelta(microseconds=1)
    if first.date() == last.date():
        return f"{format_day(first)} {first:%Y}"
    year = "" if first.year == last.year else f" {first:%Y}"
    return f"{format_day(first)}{year} to {format_day(last)} {last:%Y}"


def join_names(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: "a", "a and b", "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
