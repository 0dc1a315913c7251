"""The end of a snooze, as a user writes it."""

from datetime import UTC, datetime

from monitor.errors import InputError
from monitor.setting_types.durations import parse_duration


def parse_until(text: str, now: datetime) -> datetime:
    """Return the end of a snooze: a duration from now on, or a time, in UTC where it names no zone.

    Raises:
        InputError: The text is neither.

    Example:
        >>> now = datetime(2026, 11, 2, 9, tzinfo=UTC)
        >>> parse_until("4h", now).hour, parse_until("2026-11-03T08:00", now).day
        (13, 3)
    """
    text = text.strip()
    try:
        return now + parse_duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"snooze until {text!r}: neither a duration nor a time; write `4h`, `2d` or "
            "`2026-11-03T08:00`",
            code="snooze_time",
        ) from None
    return until.replace(tzinfo=UTC) if until.tzinfo is None else until.astimezone(UTC)
