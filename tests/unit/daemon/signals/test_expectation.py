"""Rules by which a signal is missing, on drawn histories: what they find, and what they leave."""

from collections.abc import Iterable, Iterator
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


def first_traffic_fall(desk: Desk, hours: Iterable[int], *, seed: int = 1) -> int | None:
    counts = draw_hours(desk, 90, np.random.default_rng(seed))
    return next((hour for hour in hours if find_traffic_fall(history_at(counts, hour))), None)


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
    assert find_lasting_fall(back, RESOLVED, START + (CUT - 24) * HOUR) is None


def test_known_fall_lasts_until_the_signal_is_back() -> None:
    counts = draw_hours(of(until(CUT, constant(0.9), 0.2)), 80, np.random.default_rng(1))
    after_weeks = history_at(counts, CUT + 24 * 25)
    assert find_fall(after_weeks, RESOLVED) is None  # usual by now
    assert find_lasting_fall(after_weeks, RESOLVED, START + CUT * HOUR)


def test_given_up_signal_is_expected_after_a_week() -> None:
    counts = draw_hours(of(until(CUT, constant(0.9))), 80, np.random.default_rng(1))
    resolved_at = START + (CUT - 24 * 5) * HOUR
    history = history_at(counts, CUT + 24)
    assert find_fall(history, RESOLVED)
    assert find_fall(history, RESOLVED, new_since=resolved_at) is None
    assert find_fall(history, RESOLVED, new_since=START + (CUT - 24 * 20) * HOUR)


TRAFFIC_THAT_IS_USUAL = {
    "weekends": (Desk(2000, weekend=0.05), 0.0),
    "holidays of half": (Desk(2000, weekend=0.9, holidays=frozenset(range(42, 50))), 0.0),
    "bursts": (Desk(2000, spread=1.5), 0.0),
    "nights": (Desk(2000, night=0.0), 0.0),
    "rare": (Desk(5), 0.0),
    "a lower sample rate": (Desk(5000, rate=lambda hour: np.where(hour < CUT, 1.0, 0.02)), 0.0),
    "a lower rate of little": (
        Desk(60, weekend=1.0, rate=lambda hour: np.where(hour < CUT, 1.0, 0.05)),
        0.0,
    ),
    "weekdays alone": (Desk(2000, weekend=0.001), 0.0),
    "a holiday without any": (
        Desk(2000, weekend=0.01, holidays=frozenset({44}), holiday=0.02),
        0.0,
    ),
    "deploys": (Desk(2000, deploys=frozenset(range(0, 2000, 7))), 0.0),
}


@pytest.mark.parametrize("desk", [case[0] for case in TRAFFIC_THAT_IS_USUAL.values()],
                         ids=list(TRAFFIC_THAT_IS_USUAL))  # fmt: skip
def test_traffic_as_usual_is_no_fall(desk: Desk) -> None:
    assert first_traffic_fall(desk, range(24 * 35, 24 * 60, 2)) is None


def test_traffic_of_weekdays_that_ends_is_found_in_two_days() -> None:
    wednesday = CUT + 24 * 2 + 3
    counts = draw_hours(Desk(2000, weekend=0.001), 60, np.random.default_rng(2))
    for hours in counts.values():
        hours[wednesday:] = 0.0
    falls = [
        hour
        for hour in range(wednesday, wednesday + 50)
        if find_traffic_fall(history_at(counts, hour))
    ]
    assert falls
    assert falls[0] <= wednesday + 49


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


@pytest.mark.parametrize("left", [0.0, 0.1])
@pytest.mark.parametrize(("daily", "limit"), [(100, 30), (10_000, 25)])
def test_traffic_that_falls_is_found_within_a_day(daily: float, limit: int, left: float) -> None:
    counts = draw_hours(Desk(daily), 60, np.random.default_rng(2))
    rng = np.random.default_rng(3)
    for signal, hours in counts.items():
        counts[signal] = np.where(
            np.arange(len(hours)) < CUT, hours, rng.binomial(hours.astype(int), left)
        )
    falls = [hour for hour in range(CUT, CUT + 31) if find_traffic_fall(history_at(counts, hour))]
    assert falls
    assert falls[0] <= CUT + limit


def test_share_of_all_traffic_that_falls_is_found() -> None:
    rng = np.random.default_rng(4)
    moved, other = (draw_hours(Desk(3000), 60, rng) for _ in range(2))
    after = np.arange(24 * 60) >= CUT
    moved = {signal: np.where(after, hours * 0.3, hours) for signal, hours in moved.items()}
    rest = np.where(after, 6.0, 1.0) * other[TRAFFIC]
    fall = find_traffic_fall(history_at(moved, CUT + 25, rest))
    assert fall is not None
    assert fall.share == pytest.approx(0.05, abs=0.02)
    # Other models grow, and this one stays.
    counts = draw_hours(Desk(3000), 60, rng)
    assert find_traffic_fall(history_at(counts, CUT + 25, rest * 10)) is None


def ordinary_desks(n: int, rng: np.random.Generator) -> Iterator[tuple[Desk, int]]:
    """Yield desks with rhythms, deploys, holidays, a change of the sample rate; and their age."""
    for _ in range(n):
        begins = 24 * int(rng.choice([0, 40, 60, 66]))
        changes = rng.random() < 0.3
        desk = Desk(
            float(np.exp(rng.uniform(np.log(20), np.log(20_000)))),
            weekend=float(rng.choice([0.1, 0.4, 1.0])),
            night=float(rng.choice([0.0, 0.2, 1.0])),
            holidays=frozenset(rng.integers(0, 90, 4).tolist()),
            deploys=frozenset(rng.integers(0, 2160, 100).tolist()),
            begins=begins,
            shares={
                Signal("field", "user"): constant(0.95),
                RESOLVED: constant(0.4),
                Signal("task type", "refunds"): constant(0.1),
                Signal("feedback", "thumbs_up"): constant(0.03),
                Signal("metric", "score"): on_weekdays(0.7),
                Signal("metric", "csat"): in_office_hours(0.5),
            },
        )
        if changes:
            desk = replace(desk, rate=lambda hour: np.where(hour < 24 * 70, 1.0, 0.2))
        yield desk, begins


def count_reports(n: int, *, seed: int, step: int) -> int:
    """Return the signals reported in 30 ordinary days of so many models."""
    rng, n_reports = np.random.default_rng(seed), 0
    for desk, _ in ordinary_desks(n, rng):
        counts = draw_hours(desk, 90, rng)
        histories = [history_at(counts, hour) for hour in range(24 * 60, 24 * 90, step)]
        for signal in desk.shares:
            n_reports += any(find_fall(history, signal) for history in histories)
        n_reports += any(find_traffic_fall(history) for history in histories)
    return n_reports


@pytest.mark.parametrize("kind", ["metric", "field", "task type", "feedback"])
def test_text_of_missing_signals_fits_into_a_message(kind: str) -> None:
    """With names of three words."""
    signal = Signal(kind, "user" if kind == "field" else "csat per day")
    seen = datetime(2026, 11, 2, 15, tzinfo=UTC)
    fall = Fall(signal, before=0.92, now=0.0, days=14, last_seen=seen)
    text = state_falls([fall] * 7)
    assert count_words([text]) <= MAX_FINDING_WORDS
    assert text.endswith(" 5 more signals.")


@pytest.mark.slow
def test_ordinary_days_report_nothing() -> None:
    assert count_reports(6, seed=5, step=12) == 0


@pytest.mark.drill
def test_ordinary_days_of_many_models_report_next_to_nothing() -> None:
    assert count_reports(120, seed=6, step=1) == 0
