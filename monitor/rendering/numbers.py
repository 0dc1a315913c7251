"""Formats of numbers, shares, dates and lists of names in user-visible texts."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from monitor.store.windows.assessment import NumericAssessment, ShareEstimate


def format_mean(mean: float) -> str:
    """Return a mean with three significant digits, without an exponent where that is readable."""
    return f"{mean:,.0f}" if 1000 <= abs(mean) < 1e7 else f"{mean:.3g}"


def format_means(column: NumericAssessment) -> str:
    """Return the means of both sides with their unit: "from 3.96 to 2.95 of 5"."""
    means = f"from {format_mean(column.reference_mean)} to {format_mean(column.current_mean)}"
    return f"{means} {column.unit}" if column.unit else means


def format_share(share: float) -> str:
    """Return a share in percent, with one decimal below 10%."""
    return f"{share:.0%}" if share >= 0.0995 or share == 0 else f"{share:.1%}"


def format_estimate(share: ShareEstimate) -> str:
    """Return an estimated share with its interval."""
    return (
        f"about {format_share(share.estimate)} ({format_share(share.lower)} to "
        f"{format_share(share.upper)})"
    )


def format_change(column: NumericAssessment) -> str:
    """Return the relative change of the mean with its interval."""
    if column.relative_change is None:
        return "from 0" if column.reference_mean == 0 else "undefined"
    if column.relative_change_lower is None or column.relative_change_upper is None:
        return f"{column.relative_change:+.1%}"
    return (
        f"{column.relative_change:+.1%} ({100 * column.relative_change_lower:+.1f} to "
        f"{100 * column.relative_change_upper:+.1f})"
    )


def format_effect(column: NumericAssessment) -> str:
    """Return Cliff's delta with its interval, where it has one."""
    if column.effect_lower is None or column.effect_upper is None:
        return f"{column.effect_size:+.2f}"
    return f"{column.effect_size:+.2f} ({column.effect_lower:+.2f} to {column.effect_upper:+.2f})"


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
