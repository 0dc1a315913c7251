"""Schedule of windows: whole days, or weeks from Monday to Monday, in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Literal

Cadence = Literal["weekly", "daily"]

LENGTH: dict[Cadence, timedelta] = {"weekly": timedelta(days=7), "daily": timedelta(days=1)}


def window_of(instant: datetime, cadence: Cadence) -> tuple[datetime, datetime]:
    """Return the window ``[start, end)`` that holds an instant."""
    day = instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = day - timedelta(days=day.weekday()) if cadence == "weekly" else day
    return start, start + LENGTH[cadence]


def due_windows(
    first: datetime, now: datetime, cadence: Cadence
) -> list[tuple[datetime, datetime]]:
    """Return the windows that have ended by now, oldest first.

    The first window has the first traffic. ``weekly`` windows begin on Monday 00:00 UTC, ``daily``
    ones at 00:00 UTC.

    Example:
        >>> from datetime import UTC, datetime
        >>> due_windows(
        ...     datetime(2026, 11, 4, 9, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC), "weekly"
        ... )[-1][0].isoformat()
        '2026-11-09T00:00:00+00:00'
    """
    start, end = window_of(first, cadence)
    windows = []
    while end <= now:
        windows.append((start, end))
        start, end = end, end + LENGTH[cadence]
    return windows
