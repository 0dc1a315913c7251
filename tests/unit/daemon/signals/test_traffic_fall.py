"""Rule by which traffic has fallen, on drawn histories: what it finds, and what it leaves."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from monitor.daemon.signals.history import HOUR, Hours
from monitor.daemon.signals.traffic_fall import find_lasting_traffic_fall, find_traffic_fall
from monitor.store.signals.counts import SAMPLED, TRAFFIC, Signal
from tests.support.signals.ordinary_days import START, Desk, draw_hours, history_at

#: A Monday after six weeks, 06:00.
CUT = 24 * 42 + 6


def first_traffic_fall(desk: Desk, hours: Iterable[int], *, seed: int = 1) -> int | None:
    counts = draw_hours(desk, 90, np.random.default_rng(seed))
    return next((hour for hour in hours if find_traffic_fall(history_at(counts, hour))), None)


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


def fallen(left: float, begin: int, end: int, *, seed: int) -> dict[Signal, Hours]:
    """Return the counts of a small model whose traffic falls to a part for some hours."""
    rng = np.random.default_rng(seed)
    counts = draw_hours(Desk(230, weekend=0.5, night=0.4, spread=0.05), 60, rng)
    hour = np.arange(24 * 60)
    sampled = rng.binomial(
        counts[SAMPLED].astype(int), np.where((hour >= begin) & (hour < end), left, 1.0)
    )
    return {SAMPLED: sampled.astype(float), TRAFFIC: sampled.astype(float)}


@pytest.mark.parametrize("weekday", [0, 3, 5])
@pytest.mark.parametrize("left", [0.03, 0.15])
def test_small_model_that_falls_to_a_part_is_found(left: float, weekday: int) -> None:
    begin = CUT + 24 * weekday
    counts = fallen(left, begin, begin + 40, seed=weekday)
    hours = range(begin, begin + 26)
    assert any(find_traffic_fall(history_at(counts, hour)) for hour in hours)


@pytest.mark.parametrize("weekday", [0, 4, 5, 6])
def test_share_of_a_small_model_that_falls_is_found(weekday: int) -> None:
    begin = CUT + 24 * weekday
    counts = fallen(0.3, begin, 24 * 60, seed=weekday)
    other = fallen(1.0, begin, begin, seed=weekday + 7)[TRAFFIC]
    other *= np.where(np.arange(len(other)) < begin, 1.0, 5.0)
    hours = range(begin, begin + 49)
    assert any(find_traffic_fall(history_at(counts, hour, other)) for hour in hours)


def test_surge_of_other_models_is_no_fall() -> None:
    for seed in range(20):
        counts = fallen(1.0, CUT, CUT, seed=seed)
        other = fallen(1.0, CUT, CUT, seed=seed + 20)[TRAFFIC]
        other *= np.where(np.arange(len(other)) < CUT, 1.0, 30.0)
        hours = range(CUT, CUT + 24 * 7, 3)
        assert not any(find_traffic_fall(history_at(counts, hour, other)) for hour in hours)


def test_large_model_that_begins_on_a_holiday_is_no_fall() -> None:
    begins = 24 * 44
    for seed in range(12):
        rng = np.random.default_rng(seed)
        desk = Desk(1600, weekend=1.0, night=1.0, holidays=frozenset({44}))
        counts = draw_hours(desk, 60, rng)
        other = draw_hours(Desk(18_000, weekend=0.4, begins=begins), 60, rng)[TRAFFIC]
        hours = range(begins, begins + 48, 2)
        assert not any(find_traffic_fall(history_at(counts, hour, other)) for hour in hours)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("left", [0.0, 0.15])
def test_fall_lasts_until_the_traffic_is_back(left: float, seed: int) -> None:
    """Over nights and the weekend, when half of the traffic is usual."""
    begin, end = CUT + 24 * 3, CUT + 24 * 7 + 8
    counts = fallen(left, begin, end, seed=seed)
    found_at = START + (begin + 24) * HOUR
    lasting = {
        hour: find_lasting_traffic_fall(
            history_at(counts, hour), found_at - timedelta(days=2), found_at
        )
        for hour in range(begin + 24, end + 6)
    }
    assert all(lasting[hour] for hour in range(begin + 24, end + 1))
    assert lasting[end + 5] is None


@pytest.mark.parametrize("seed", range(3))
def test_end_of_a_fall_found_early_is_seen(seed: int) -> None:
    begin, end = CUT + 5, CUT + 45
    counts = fallen(0.0, begin, end, seed=seed)
    found_at = START + (begin + 14) * HOUR
    known_until = found_at - timedelta(days=2)
    assert find_lasting_traffic_fall(history_at(counts, end), known_until, found_at)
    back = history_at(counts, end + 4)
    assert find_lasting_traffic_fall(back, known_until, found_at) is None


def test_day_of_an_outage_that_ended_is_no_fall() -> None:
    counts = fallen(0.0, CUT, CUT + 30, seed=1)
    history = history_at(counts, CUT + 29)
    assert find_traffic_fall(history)
    ended = replace(history, outages=((START + CUT * HOUR, START + (CUT + 28) * HOUR),))
    assert find_traffic_fall(ended) is None
