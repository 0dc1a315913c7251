"""The current time, as a parameter that tests can replace, and days that are typed."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def parse_day(text: str) -> datetime | None:
    """Return the start of a day in UTC; ``None`` where the text is none."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
