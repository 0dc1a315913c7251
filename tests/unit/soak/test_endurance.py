"""Judgements of the endurance run: trends, ramp, recoveries, records."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.soak.endurance.bloat import TableBloat
from tests.soak.endurance.conduct import Options, Result
from tests.soak.endurance.ramp import FACTOR, FIRST_RATE, Step, climb, highest_rate, is_bounded
from tests.soak.endurance.records import make_steady_record
from tests.soak.endurance.report import render, write_series
from tests.soak.endurance.trend import MIN_SAMPLES, fit_trend
from tests.soak.endurance.watch import Recovery, Sample, recoveries
from tests.soak.reckoning import Reckoning

HOURS = np.linspace(0.0, 1.0, 720)


def series(slope: float, noise: float, seed: int = 0) -> list[float]:
    """Return memory that wanders: neighbours are alike, as in a process."""
    rng = np.random.default_rng(seed)
    wander = np.zeros(len(HOURS))
    for index in range(1, len(HOURS)):
        wander[index] = 0.9 * wander[index - 1] + rng.normal() * noise
    return list(200.0 + slope * HOURS + wander)


def test_interval_of_a_slope_covers_a_wandering_series() -> None:
    covered = [
        trend.lower <= 0.0 <= trend.upper
        for seed in range(60)
        if (trend := fit_trend(list(HOURS), series(0.0, 1.0, seed)))
    ]
    assert len(covered) == 60
    assert sum(covered) >= 52


def test_a_leak_above_the_noise_is_not_flat() -> None:
    leaking, flat = (fit_trend(list(HOURS), series(slope, 1.0)) for slope in (60.0, 0.0))
    assert leaking is not None
    assert flat is not None
    assert not leaking.is_flat
    assert leaking.lower < 60.0 < leaking.upper
    assert flat.is_flat


def test_growth_within_the_warm_up_counts_for_nothing() -> None:
    values = [100.0 * min(hour / 0.2, 1.0) + (index % 3) for index, hour in enumerate(HOURS)]
    trend = fit_trend(list(HOURS), values)
    assert trend is not None
    assert trend.is_flat
    assert abs(trend.slope) < 1.0


@pytest.mark.parametrize("n", [0, 1, MIN_SAMPLES])
def test_few_samples_have_no_trend(n: int) -> None:
    assert fit_trend(list(HOURS[:n]), [1.0] * n) is None


def lags(*values: float) -> list[Sample]:
    return [Sample(float(at), value) for at, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "bounded"),
    [
        ([300.0] * 9, True),  # 3 s of traffic
        ([300.0, 900.0, 100.0] * 3, True),
        ([100.0 * index for index in range(1, 10)], False),  # rises by a second a second
        ([1500.0] * 9, False),
        ([100.0] * 3, False),  # too short
    ],
)
def test_a_lag_is_bounded_when_small_and_not_rising(values: list[float], bounded: bool) -> None:
    assert is_bounded(lags(*values), rate=100.0) == bounded


def test_ramp_ends_at_the_first_rate_that_is_too_much() -> None:
    steps = list(climb(lambda rate: (rate, lags(*[rate * (1 if rate < 2000 else 60)] * 9))))
    assert [step.is_carried for step in steps] == [True] * (len(steps) - 1) + [False]
    assert highest_rate(steps) == pytest.approx(FIRST_RATE * FACTOR ** (len(steps) - 2))
    assert highest_rate(steps) < 2000 <= steps[-1].rate


def test_a_producer_that_cannot_keep_up_ends_the_ramp() -> None:
    (step,) = climb(lambda rate: (0.5 * rate, lags(*[0.0] * 9)))
    assert not step.is_carried
    assert highest_rate([step]) == 0.0


def test_recovery_is_counted_from_the_kill_to_the_last_excess() -> None:
    seen = lags(0, 0, 50, 80, 5, 60, 0, 0, 0, 0, 40, 70, 90)
    results = recoveries(seen, [(1.5, 1), (6.5, 2), (9.5, 1)], bound=30.0)
    assert results == [
        Recovery(1.5, 1, 80.0, 4.5),
        Recovery(6.5, 2, 0.0, 0.0),
        Recovery(9.5, 1, 90.0, None),
    ]


def test_steady_records_are_readable_and_repeatable() -> None:
    record = make_steady_record(3, 41)
    content = json.loads(record.value or b"")
    assert (record.exchange_id, record.prompt) == (content["id"], content["prompt"])
    assert record == make_steady_record(3, 41)
    assert 800 < len(record.value or b"") < 1600
    assert make_steady_record(3, 42).prompt != record.prompt


def table(over_fresh: float, size: int = 10**8) -> TableBloat:
    return TableBloat("exchanges", size, 1, 0, 0, 0, 0, None, None, over_fresh)


LEAK = fit_trend(list(HOURS), series(60.0, 1.0))
CASES = {
    "nothing": ({}, True),
    "lost": ({"reckoning": Reckoning(n_stored=5, lost=[(0, 7)])}, False),
    "doubled": ({"reckoning": Reckoning(n_stored=5, doubled=[(0, 7)])}, False),
    "nothing stored": ({"reckoning": Reckoning()}, False),
    "leak": ({"trends": {"leader": LEAK}}, False),
    "no recovery": ({"recoveries": [Recovery(1.0, 1, 9.0, None)]}, False),
    "bloat": ({"bloat": [table(1.6)]}, False),
    "bloat of a page": ({"bloat": [table(9.0, size=8192)]}, True),
    "trouble": ({"troubles": ["the leader ended by itself"]}, False),
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_makes_the_run_fail(name: str) -> None:
    changes, holds = CASES[name]
    values = {"reckoning": Reckoning(n_stored=5), "rate": 100.0}
    result = Result(Options(), **(values | changes))
    result.steps.append(Step(100.0, 100.0, 0.1, True))
    assert result.holds == holds
    assert render(result).endswith("holds" if holds else "DOES NOT HOLD")


def test_series_are_written_for_drawing(tmp_path: Path) -> None:
    result = Result(Options(), lags=lags(3.0), memory={("leader", 17): lags(5.0, 6.0)})
    write_series(result, tmp_path)
    assert (tmp_path / "lag.csv").read_text().splitlines() == ["seconds,records", "0.0,3"]
    rows = (tmp_path / "memory.csv").read_text().splitlines()
    assert rows[1:] == ["0.0,leader,17,5", "1.0,leader,17,6"]
