"""Scripts of faults drawn from a seed: single and in pairs, each at a time, length and size."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from tests.game_days.faults import DAY, HOUR, MINUTE, Fault, Strike
from tests.game_days.faults_of_services import OF_SERVICES, QUIET
from tests.game_days.faults_of_traffic import OF_TRAFFIC

FAULTS: dict[str, Fault] = {fault.name: fault for fault in (*OF_TRAFFIC, *OF_SERVICES, *QUIET)}
#: Share of faults that may meet another one.
IN_PAIRS = 0.5
#: Shortest and longest calm before a fault.
CALM = (HOUR, 9 * HOUR)
#: Shortest time between two faults that do not meet.
PAUSE = 40 * MINUTE
#: Delay of the fault that another one needs.
NEEDED_AFTER = 5 * MINUTE


@dataclass(frozen=True)
class Script:
    """The faults of a game, and its begin and end."""

    seed: int
    begin: datetime
    end: datetime
    strikes: tuple[Strike, ...]


def draw_script(
    seed: int,
    begin: datetime,
    models: tuple[str, ...],
    *,
    days: float,
    names: tuple[str, ...] = (),
) -> Script:
    """Draw the faults of some days, of all kinds or those that are named, each once.

    The days end earlier where those that are named have been told.
    """
    rng = np.random.default_rng(seed)
    end = begin + days * DAY
    strikes: list[Strike] = []
    for name in rng.permutation(list(names) or list(FAULTS)):
        fault = FAULTS[str(name)]
        # A second gap of the same signal is less unusual: it is found later.
        cut = {strike.model for strike in strikes if strike.fault.touches == fault.touches}
        choice = list(fault.models) or [model for model in models if model not in cut]
        if fault.of_model and not choice:
            continue
        model = str(rng.choice(choice)) if fault.of_model else ""
        most = 2 if rng.random() < IN_PAIRS and not fault.is_alone else 1
        at = _begin(fault, begin + _between(rng, *CALM))
        strike = Strike(fault, at, at + _between(rng, *fault.lasts), model, float(rng.random()))
        strikes += _with_needed(_in_gap(strike, strikes, most), strikes, rng)
    watched = [strike for strike in strikes if strike.end + _watched_after(strike) <= end]
    if names:  # little follows the last of them
        end = min(end, max((s.end + _watched_after(s) for s in watched), default=end) + DAY)
    return Script(seed, begin, end, tuple(sorted(watched, key=lambda strike: strike.begin)))


def _begin(fault: Fault, earliest: datetime) -> datetime:
    """Return when a fault begins: at the minute, or at its day of the week."""
    if fault.begins_at is None:
        return earliest.replace(second=0, microsecond=0)
    weekday, hour = fault.begins_at
    at = earliest.replace(hour=hour, minute=0, second=0, microsecond=0)
    at += timedelta(days=(weekday - at.weekday()) % 7)
    return at if at >= earliest else at + timedelta(days=7)


def _in_gap(strike: Strike, strikes: list[Strike], most: int) -> Strike:
    """Move a strike to where it is one of at most so many, and no other changes the same."""
    length = strike.end - strike.begin
    while True:
        met = [
            other
            for other in strikes
            if other.begin < strike.end + PAUSE and strike.begin < other.end + PAUSE
        ]
        clashes = [
            other
            for other in met
            if other.fault.is_alone or other.fault.touches == strike.fault.touches
        ]
        if not clashes and len(met) < most:
            return strike
        begin = _begin(strike.fault, min(other.end for other in clashes or met) + 2 * PAUSE)
        strike = Strike(strike.fault, begin, begin + length, strike.model, strike.size)


def _with_needed(strike: Strike, strikes: list[Strike], rng: np.random.Generator) -> list[Strike]:
    """Return a strike with the one that it needs, which is short."""
    if not strike.fault.needs:
        return [strike]
    fault = FAULTS[strike.fault.needs]
    strike = _in_gap(strike, strikes, 1)
    begin = strike.begin + NEEDED_AFTER
    needed = Strike(fault, begin, begin + _between(rng, 25 * MINUTE, 50 * MINUTE), "", 0.0)
    return [strike, needed]


def _watched_after(strike: Strike) -> timedelta:
    return (strike.fault.ends_within or timedelta()) + 2 * HOUR


def _between(rng: np.random.Generator, least: timedelta, most: timedelta) -> timedelta:
    seconds = (least + rng.random() * (most - least)).total_seconds()
    return timedelta(seconds=round(seconds))
