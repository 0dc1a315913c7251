"""Due windows: weeks from Monday to Monday, and days, in UTC."""

from datetime import UTC, datetime, timedelta

from monitor.windows.schedule import due_windows, window_of

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def test_weeks_run_from_monday_to_monday_in_utc() -> None:
    assert window_of(MONDAY, "weekly") == (MONDAY, MONDAY + timedelta(days=7))
    late_sunday = MONDAY - timedelta(microseconds=1)
    assert window_of(late_sunday, "weekly") == (MONDAY - timedelta(days=7), MONDAY)
    elsewhere = datetime.fromisoformat("2026-11-02T00:30:00+01:00")
    assert window_of(elsewhere, "weekly")[1] == MONDAY


def test_only_windows_that_have_ended_are_due() -> None:
    first = MONDAY + timedelta(days=2)
    end = MONDAY + timedelta(days=7)
    assert due_windows(first, end - timedelta(microseconds=1), "weekly") == []
    assert due_windows(first, end, "weekly") == [(MONDAY, end)]
    assert len(due_windows(first, MONDAY + timedelta(days=27), "weekly")) == 3
    assert len(due_windows(first, MONDAY + timedelta(days=5), "daily")) == 3
