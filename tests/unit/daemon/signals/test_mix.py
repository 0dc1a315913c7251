"""Task types that are missing, and those that others displaced."""

from collections.abc import Mapping

import numpy as np
import pytest

from monitor.daemon.signals.expectation import find_fall, find_lasting_fall
from monitor.daemon.signals.history import HOUR
from monitor.store.signals.counts import Signal
from tests.support.signals.ordinary_days import START, Desk, ShareOf, draw_hours, history_at

FIELD = Signal("field", "task type")
#: A Monday after six weeks, 06:00.
CUT = 24 * 42 + 6


def missing_signals(
    after: Mapping[str, float], *, types: Mapping[str, float], daily: float
) -> set[str]:
    """Return the names of what is missing two days after the shares of task types changed."""
    shares: dict[Signal, ShareOf] = {
        Signal("task type", name): _changed(share, after.get(name, share))
        for name, share in types.items()
    }
    shares[FIELD] = _changed(1.0, after.get("field", 1.0))
    desk = Desk(daily, weekend=0.5, shares=shares, share_spread=0.0)
    counts = draw_hours(desk, 60, np.random.default_rng(1))
    histories = [history_at(counts, hour) for hour in range(CUT + 26, CUT + 45, 6)]
    missing = {signal for signal in shares if any(find_fall(h, signal) for h in histories)}
    at = START + CUT * HOUR
    assert all(find_lasting_fall(histories[-1], signal, at, at + 20 * HOUR) for signal in missing)
    return {signal.name for signal in missing}


def _changed(before: float, after: float) -> ShareOf:
    return lambda hour: np.where(hour < CUT, before, after)


NONE = {"cards": 0.0, "loans": 0.0, "accounts": 0.0}
TYPES = {"cards": 0.34, "loans": 0.33, "accounts": 0.33, "other": 0.0}


@pytest.mark.parametrize("daily", [200, 5000])
@pytest.mark.parametrize(
    ("after", "missing"),
    [
        ({"cards": 0.12, "loans": 0.12, "accounts": 0.12, "other": 0.64}, set()),
        ({"cards": 0.0, "loans": 0.5, "accounts": 0.5}, {"cards"}),
        ({"cards": 0.03, "loans": 0.48, "accounts": 0.49}, {"cards"}),
        ({**NONE, "other": 1.0}, {"cards", "loans", "accounts"}),
        ({**NONE, "field": 0.0}, {"task type"}),
    ],
    ids=["displaced", "ends", "falls", "renamed", "field missing"],
)  # fmt: skip
def test_task_type_is_missing_unless_others_displaced_it(
    after: dict[str, float], missing: set[str], daily: float
) -> None:
    assert missing_signals(after, types=TYPES, daily=daily) == missing


def test_type_that_was_missing_and_then_displaced_is_no_fall() -> None:
    back = CUT + 36
    phases = {"cards": (0.34, 0.5, 0.12), "loans": (0.33, 0.0, 0.12), "other": (0.33, 0.5, 0.76)}
    shares: dict[Signal, ShareOf] = {
        Signal("task type", name): _in_phases(before, missing, after, back)
        for name, (before, missing, after) in phases.items()
    }
    shares[FIELD] = _changed(1.0, 1.0)
    for seed in range(10):
        desk = Desk(2000, weekend=0.5, shares=shares, share_spread=0.0)
        counts = draw_hours(desk, 60, np.random.default_rng(seed))
        hours = range(back + 25, back + 24 * 5, 4)
        loans = Signal("task type", "loans")
        assert not any(find_fall(history_at(counts, hour), loans) for hour in hours)


def _in_phases(before: float, missing: float, after: float, back: int) -> ShareOf:
    return lambda hour: np.where(hour < CUT, before, np.where(hour < back, missing, after))
