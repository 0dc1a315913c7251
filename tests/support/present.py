"""The present, as tests see it.

The day is set from outside, for children and servers too: `tests/calendar`.
"""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def start_of_today() -> datetime:
    """Return the last midnight, UTC."""
    return utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
