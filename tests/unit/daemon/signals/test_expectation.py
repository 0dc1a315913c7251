"""Rules by which a signal is missing, on drawn histories: what they find, and what they leave."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from monitor.alerts.messages.text import MAX_FINDING_WORDS, count_words
from monitor.daemon.conditions.of_signals import state_falls
from monitor.daemon.signals.expectation import (
    Fall,
    find_fall,
    find_lasting_fall,
)
from monitor.daemon.signals.history import HOUR
from monitor.daemon.signals.traffic_fall import find_traffic_fall
from monitor.store.signals.counts import SAMPLED, TRAFFIC, Signal
from tests.support.signals.ordinary_days import (
    START,
    Desk,
    ShareOf,
    between,
    constant,
    draw_hours,
    history_at,
    in_office_hours,
    on_weekdays,
    until,
)

RESOLVED = Signal("metric", "resolved")
#: A Monday after six weeks, 06:00.
CUT = 24 * 42 + 6


def first_fall(
    desk: Desk, hours: Iterable[int], *, seed: int = 1, signal: Signal = RESOLVED
) -> int | None:
    counts = draw_hours(desk, 90, np.random.default_rng(seed))
    return next((hour for hour in hours if find_fall(history_at(counts, hour), signal)), None)


def of(share: ShareOf, daily: float = 2000, **values: object) -> Desk:
    return Desk(daily, shares={RESOLVED: share}, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("share", "limit"),
    [
        (constant(1.0), 25),
        (constant(0.3), 25),
        (on_weekdays(0.8), 25),
        (in_office_hours(0.6), 25),
        (constant(0.02), 25),
    ],
    ids=["always", "some", "weekdays", "office hours", "rare"],
)
def test_signal_that_ends_is_found_in_time(share: ShareOf, limit: int, seed: int) -> None:
    at = first_fall(of(until(CUT, share)), range(CUT, CUT + 40), seed=seed)
    assert at is not None
    assert CUT < at <= CUT + limit


@pytest.mark.parametrize("seed", range(3))
def test_signal_that_falls_to_a_fifth_is_found(seed: int) -> None:
    at = first_fall(of(until(CUT, constant(0.9), 0.2)), range(CUT, CUT + 40), seed=seed)
    assert at is not None
    assert at <= CUT + 26


def test_feedback_that_stops_on_a_weekend_is_found() -> None:
    feedback, saturday = Signal("feedback", "thumbs_up"), 24 * 47
    shares = {feedback: until(saturday, constant(0.4))}
    desk = Desk(200, weekend=0.5, night=0.4, spread=0.05, shares=shares)
    hours = [
        first_fall(desk, range(saturday, saturday + 27), seed=seed, signal=feedback)
        for seed in range(40)
    ]
    assert hours.count(None) <= 1


def test_model_with_five_exchanges_a_day_takes_days() -> None:
    at = first_fall(of(until(CUT, constant(1.0)), daily=5), range(CUT, CUT + 24 * 7))
    assert at is not None
    assert first_fall(of(until(CUT, constant(0.05)), daily=5), range(CUT, CUT + 24 * 7)) is None


def test_fall_says_usual_share_and_last_hour() -> None:
    counts = draw_hours(of(until(CUT, constant(0.9))), 50, np.random.default_rng(1))
    fall = find_fall(history_at(counts, CUT + 24), RESOLVED)
    assert fall is not None
    assert fall.before == pytest.approx(0.9, abs=0.05)
    assert fall.now == 0.0
    assert fall.last_seen == START + CUT * HOUR


@pytest.mark.parametrize(
    ("desk", "first", "last"),
    [
        (of(on_weekdays(0.8)), 24 * 35, 24 * 50),
        (of(between(24 * 35, 24 * 45, 0.5)), 24 * 36, 24 * 88),
        (of(lambda hour: np.where(hour < CUT, 0.9, 0.6)), CUT, CUT + 24 * 7),
        (of(lambda hour: np.where(hour // 24 % 5 < 3, 0.8, 0.0)), 24 * 35, 24 * 60),
        (of(constant(0.9), begins=CUT), CUT, CUT + 24 * 8),
        (of(until(CUT, constant(0.9)), begins=CUT - 24 * 6), CUT, CUT + 24 * 2),
    ],
    ids=["weekdays", "campaign", "half", "comes and goes", "new model", "six days old"],
)
def test_usual_or_unknown_share_is_no_fall(desk: Desk, first: int, last: int) -> None:
    assert first_fall(desk, range(first, last, 3)) is None


def test_share_diluted_by_other_traffic_is_no_fall() -> None:
    counts = draw_hours(of(constant(0.5)), 60, np.random.default_rng(1))
    more = np.where(np.arange(24 * 60) >= CUT, 5.0, 1.0)
    for signal in counts.keys() - {RESOLVED}:
        counts[signal] = counts[signal] * more
    assert find_fall(history_at(counts, CUT + 36), RESOLVED) is None


def test_signal_that_is_back_is_no_fall_within_hours() -> None:
    gone = 20

    def share(hour: np.ndarray) -> np.ndarray:
        return np.where((hour >= CUT) & (hour < CUT + gone), 0.0, 0.9)

    counts = draw_hours(of(share), 60, np.random.default_rng(1))
    assert find_fall(history_at(counts, CUT + gone), RESOLVED)
    back = history_at(counts, CUT + gone + 6)
    assert find_fall(back, RESOLVED) is None
    found_at = START + (CUT + gone) * HOUR
    assert find_lasting_fall(back, RESOLVED, START + (CUT - 24) * HOUR, found_at) is None


def test_gap_that_ended_is_no_fall_where_traffic_falls() -> None:
    gone, few = CUT + 36, CUT + 60

    def share(hour: np.ndarray) -> np.ndarray:
        return np.where((hour >= CUT) & (hour < gone), 0.0, 0.4)

    for seed in range(10):
        rng = np.random.default_rng(seed)
        counts = draw_hours(of(share, daily=200, weekend=0.5), 60, rng)
        late = np.arange(24 * 60) >= few
        sampled = np.where(late, rng.binomial(counts[SAMPLED].astype(int), 0.1), counts[SAMPLED])
        rated = np.where(late, rng.binomial(sampled.astype(int), 0.4), counts[RESOLVED])
        counts = {SAMPLED: sampled, TRAFFIC: sampled, RESOLVED: np.minimum(rated, sampled)}
        hours = range(gone + 30, few + 48)
        assert not any(find_fall(history_at(counts, hour), RESOLVED) for hour in hours)


def test_known_fall_lasts_until_the_signal_is_back() -> None:
    counts = draw_hours(of(until(CUT, constant(0.9), 0.2)), 80, np.random.default_rng(1))
    after_weeks = history_at(counts, CUT + 24 * 25)
    assert find_fall(after_weeks, RESOLVED) is None  # usual by now
    at = START + CUT * HOUR
    assert find_lasting_fall(after_weeks, RESOLVED, at, at + 24 * HOUR)


@pytest.mark.parametrize("left", [0.0, 0.2])
def test_fall_to_a_part_lasts_until_the_signal_is_back(left: float) -> None:
    end = CUT + 24 * 4
    for seed in range(10):

        def share(hour: np.ndarray) -> np.ndarray:
            return np.where((hour >= CUT) & (hour < end), 0.4 * left, 0.4)

        counts = draw_hours(of(share, daily=200, weekend=0.5), 60, np.random.default_rng(seed))
        found_at = START + (CUT + 24) * HOUR
        lasting = [
            find_lasting_fall(history_at(counts, hour), RESOLVED, START + CUT * HOUR, found_at)
            for hour in range(CUT + 25, end + 27)
        ]
        assert all(lasting[:-26])
        assert lasting[-1] is None


def test_given_up_signal_is_expected_after_a_week() -> None:
    counts = draw_hours(of(until(CUT, constant(0.9))), 80, np.random.default_rng(1))
    resolved_at = START + (CUT - 24 * 5) * HOUR
    history = history_at(counts, CUT + 24)
    assert find_fall(history, RESOLVED)
    assert find_fall(history, RESOLVED, new_since=resolved_at) is None
    assert find_fall(history, RESOLVED, new_since=START + (CUT - 24 * 20) * HOUR)


@pytest.mark.parametrize("weeks_ago", [1, 3])
def test_outage_does_not_make_the_next_usual(weeks_ago: int) -> None:
    first = CUT - 24 * 7 * weeks_ago
    counts = draw_hours(of(constant(0.9)), 60, np.random.default_rng(1))
    for began in (first, CUT):
        for signal in (RESOLVED, TRAFFIC, SAMPLED):
            counts[signal][began : began + 26] = 0.0 if signal == RESOLVED else 40.0
    history = history_at(counts, CUT + 25)
    outages = ((START + first * HOUR, START + (first + 32) * HOUR),)
    assert find_fall(history, RESOLVED) is None
    assert find_fall(replace(history, outages=outages), RESOLVED)
    for signal in (TRAFFIC, SAMPLED):
        counts[signal][first : first + 26] = counts[signal][CUT:] = 0.0
    history = history_at(counts, CUT + 25)
    assert find_traffic_fall(history) is None
    assert find_traffic_fall(replace(history, outages=outages))


@pytest.mark.parametrize("kind", ["metric", "field", "task type", "feedback"])
def test_text_of_missing_signals_fits_into_a_message(kind: str) -> None:
    """With names of three words."""
    signal = Signal(kind, "user" if kind == "field" else "csat per day")
    seen = datetime(2026, 11, 2, 15, tzinfo=UTC)
    fall = Fall(signal, before=0.92, now=0.0, days=14, last_seen=seen)
    text = state_falls([fall] * 7)
    assert count_words([text]) <= MAX_FINDING_WORDS
    assert text.endswith(" 5 more signals.")
