"""A month of ordinary days of drawn models: nothing is reported as missing."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from monitor.daemon.signals.expectation import find_fall
from monitor.daemon.signals.traffic_fall import find_traffic_fall
from monitor.store.signals.counts import TRAFFIC, Signal
from tests.support.signals.ordinary_days import (
    Desk,
    constant,
    draw_hours,
    history_at,
    in_office_hours,
    on_weekdays,
)


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
                Signal("metric", "resolved"): constant(0.4),
                Signal("field", "task type"): constant(1.0),
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
    rng, n_reports, other = np.random.default_rng(seed), 0, None
    for desk, _ in ordinary_desks(n, rng):
        counts = draw_hours(desk, 90, rng)
        histories = [history_at(counts, hour, other) for hour in range(24 * 60, 24 * 90, step)]
        other = counts[TRAFFIC]
        for signal in desk.shares:
            n_reports += any(find_fall(history, signal) for history in histories)
        n_reports += any(find_traffic_fall(history) for history in histories)
    return n_reports


@pytest.mark.slow
def test_ordinary_days_report_nothing() -> None:
    assert count_reports(6, seed=5, step=12) == 0


@pytest.mark.drill
def test_ordinary_days_of_many_models_report_next_to_nothing() -> None:
    assert count_reports(120, seed=6, step=1) == 0
