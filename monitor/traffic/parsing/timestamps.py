"""Timestamps: RFC 3339, or Unix time in s, ms, µs or ns."""

from datetime import UTC, datetime, timedelta

from monitor.errors import RecordError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: A time outside these years is an error; such a record would open windows of decades.
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def parse_timestamp(value: str | float) -> datetime:
    """Return an aware datetime in UTC.

    A text without a zone is taken as UTC. A number of 10^11 or more isn't seconds: it is read as
    milli-, micro- or nanoseconds by its size.

    Raises:
        RecordError: ``bad_timestamp``: not a time, or outside 2010 to 2100.
    """
    moment = _from_text(value) if isinstance(value, str) else _from_number(value)
    if not EARLIEST <= moment < LATEST:
        raise RecordError("bad_timestamp", f"{value!r} is outside {EARLIEST:%Y} to {LATEST:%Y}")
    return moment


def from_milliseconds(value: int | None, *, otherwise: datetime) -> datetime:
    """Return Kafka's timestamp of a record, or ``otherwise`` if it has no valid one."""
    if value is None or value <= 0:
        return otherwise
    try:
        return EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        return otherwise


def _from_text(value: str) -> datetime:
    text = value.strip()
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    try:
        return _from_number(float(text))
    except ValueError:
        raise RecordError(
            "bad_timestamp", f"{value[:40]!r} is neither RFC 3339 nor Unix seconds"
        ) from None


def _from_number(value: float) -> datetime:
    try:
        seconds = float(value)
        for _ in range(3):
            if abs(seconds) < 1e11:
                break
            seconds /= 1000
        return EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise RecordError("bad_timestamp", "a number too large for Unix seconds") from None
