"""The pace of reviewing: of a team, and of one person."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.review.progress.batch_progress import pace_of, usual_minutes

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def test_the_pace_is_that_of_the_last_week() -> None:
    recent = [NOW - 7 * DAY + 6 * at * timedelta(hours=1) for at in range(1, 29)]
    assert pace_of(recent, NOW) == pytest.approx(28 / 6.75)
    assert pace_of([NOW - 8 * DAY, *recent], NOW) == pace_of(recent, NOW)


def test_who_began_today_has_the_pace_of_a_day() -> None:
    assert 10 == pace_of([NOW - at * MINUTE for at in range(10)], NOW)


def test_two_days_in_the_pace_counts_two_days() -> None:
    times = [NOW - 2 * DAY, *(NOW - at * MINUTE for at in range(19))]
    assert 10 == pace_of(times, NOW)


def test_nobody_lately_is_no_pace() -> None:
    assert 0 == pace_of([], NOW)
    assert 0 == pace_of([NOW - 20 * DAY], NOW)


def test_breaks_are_no_work() -> None:
    times = [NOW, NOW + 3 * MINUTE, NOW + 7 * MINUTE, NOW + 12 * MINUTE]
    times += [NOW + 5 * 60 * MINUTE, NOW + (5 * 60 + 4) * MINUTE, NOW + (5 * 60 + 10) * MINUTE]
    assert 4 == usual_minutes(times)


def test_of_a_few_reviews_no_usual_time_is_told() -> None:
    assert usual_minutes([NOW + at * MINUTE for at in range(5)]) is None
    assert 1 == usual_minutes([NOW + at * MINUTE for at in range(6)])
    assert usual_minutes([]) is None
