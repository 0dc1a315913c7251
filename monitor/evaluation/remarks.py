"""What the reader of an evaluation should know about its data."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from monitor.evaluation.window import Window
from monitor.report.excerpts import excerpt

#: How the remark on such a user reads.
LARGE_USER = re.compile(r"One user \((.*)\) sent ")

#: One user with more of the window than this is named.
LARGE_USER_SHARE = 0.25


def remarks_on(window: Window, bounds: tuple[datetime, datetime] | None) -> tuple[str, ...]:
    """Return remarks on a window: days without traffic, one user with much of it.

    Args:
        window: The exchanges.
        bounds: First instant of the window and first after it; ``None`` takes the days between
            the first and the last exchange.
    """
    return (*_silent_days(window.occurred_at, bounds), *_large_users(window))


def withheld_remark(n_withheld: int, share: float) -> str:
    """Say how much of the traffic could not be compared, as its source kept the texts back.

    Args:
        n_withheld: Exchanges of the sample.
        share: The estimated share of the traffic that they stand for.
    """
    return (
        f"{n_withheld:,} exchanges ({share:.0%}) are left out: their source kept the texts back, "
        "redacted or not captured."
    )


def _silent_days(
    occurred_at: Sequence[datetime], bounds: tuple[datetime, datetime] | None
) -> tuple[str, ...]:
    if not occurred_at:
        return ()
    seen = {instant.astimezone(UTC).date() for instant in occurred_at}
    if bounds is None:
        first, last = min(seen), max(seen)
    else:
        first = bounds[0].astimezone(UTC).date()
        last = (bounds[1] - timedelta(microseconds=1)).astimezone(UTC).date()
    days = [first + timedelta(days=day) for day in range((last - first).days + 1)]
    silent = [day for day in days if day not in seen]
    # Of a file that spans months only whole weeks of traffic would make this worth reading.
    if not silent or (bounds is None and len(silent) > len(days) / 2):
        return ()
    noun = "day" if len(silent) == 1 else "days"
    return (f"No traffic on {len(silent)} {noun} of the window: {_dates(silent)}.",)


def _dates(days: Sequence[date], shown: int = 7) -> str:
    named = ", ".join(f"{day:%Y-%m-%d}" for day in days[:shown])
    return named if len(days) <= shown else f"{named} and {len(days) - shown} more"


def _large_users(window: Window) -> tuple[str, ...]:
    weights = [1.0] * len(window) if window.weights is None else window.weights.tolist()
    named: Counter[str] = Counter()
    for user, weight in zip(window.users, weights, strict=True):
        if user:
            named[user] += weight
    return tuple(
        f"One user ({excerpt(user, 40)}) sent {count / sum(weights):.0%} of the window."
        for user, count in named.most_common(3)
        if count > LARGE_USER_SHARE * sum(weights)
    )
