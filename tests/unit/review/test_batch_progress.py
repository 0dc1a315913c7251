"""Pace of a team and median time of a reviewer."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.review.progress.batch_progress import median_minutes, pace_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def test_pace_counts_the_last_week() -> None:
    recent = [NOW - 7 * DAY + 6 * at * timedelta(hours=1) for at in range(1, 29)]
    assert pace_of(recent, NOW) == pytest.approx(28 / 6.75)
    assert pace_of([NOW - 8 * DAY, *recent], NOW) == pace_of(recent, NOW)


def test_pace_of_first_day_counts_a_whole_day() -> None:
    assert pace_of([NOW - at * MINUTE for at in range(10)], NOW) == 10


def test_pace_of_second_day_counts_two_days() -> None:
    times = [NOW - 2 * DAY, *(NOW - at * MINUTE for at in range(19))]
    assert pace_of(times, NOW) == 10


def test_pace_without_recent_reviews_is_zero() -> None:
    assert pace_of([], NOW) == 0
    assert pace_of([NOW - 20 * DAY], NOW) == 0


def test_median_minutes_ignores_breaks() -> None:
    times = [NOW, NOW + 3 * MINUTE, NOW + 7 * MINUTE, NOW + 12 * MINUTE]
    times += [NOW + 5 * 60 * MINUTE, NOW + (5 * 60 + 4) * MINUTE, NOW + (5 * 60 + 10) * MINUTE]
    assert median_minutes(times) == 4


def test_median_minutes_needs_five_intervals() -> None:
    assert median_minutes([NOW + at * MINUTE for at in range(5)]) is None
    assert median_minutes([NOW + at * MINUTE for at in range(6)]) == 1
    assert median_minutes([]) is None
