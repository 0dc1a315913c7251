"""Share of the records that could not be read, compared with its own history."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from monitor.statistics.intervals import clopper_pearson
from monitor.store.traffic.record_counts import ALL, SLOT, CountedRecords

#: The newest quarters of an hour are judged, more of them where they have fewer records.
MIN_RECORDS = 50
LONGEST = timedelta(days=1)
#: Fewer dead letters never open an incident.
MIN_DEAD_LETTERS = 20
#: An hour or a day with fewer is no history.
MIN_OF_HISTORY = 10
#: Probability with which the share's lower limit is wrong.
TAIL = 0.001
#: A share is unusual where it is at least so much above the usual one.
MIN_RISE = 0.05
#: A share above it is unusual where nothing is known of the days before.
WITHOUT_HISTORY = 0.2
#: A reason's share of a day is unusual where it is 4 times the usual one and so much above it, in
#: as many hours: a small model, or a producer, is no large share of all records.
MIN_RISE_OF_REASON = 0.005
HOURS_OF_REASON = 6
HISTORY = timedelta(days=28)
#: Less says nothing on what is usual.
SHORTEST_HISTORY = timedelta(days=2)
#: The usual share is reached within one hour, or a day, on at least this share of the days before.
USUAL_DAYS = 0.25


@dataclass(frozen=True)
class Records:
    """Records that were read from a time on, and the dead letters among them."""

    since: datetime
    n: int
    by_reason: Counter[str]

    @property
    def n_dead(self) -> int:
        """Return the number of dead letters."""
        return self.by_reason.total()

    @property
    def share(self) -> float:
        """Return the share of dead letters; 0 without records."""
        return self.n_dead / self.n if self.n else 0.0

    def exceeds(self, limit: float) -> bool:
        """Return whether the share is above a limit, by its lower limit of 99.9% confidence."""
        if self.n_dead < MIN_DEAD_LETTERS or self.share <= limit:
            return False
        lower, _ = clopper_pearson(self.n_dead, self.n, TAIL)
        return lower > limit

    def of_reason(self, reason: str) -> Self:
        """Return the records with the dead letters of one reason."""
        return replace(self, by_reason=Counter({reason: self.by_reason[reason]}))


def slots_of(counts: Iterable[CountedRecords]) -> list[Records]:
    """Return the records of each quarter of an hour, the oldest first."""
    totals: dict[datetime, Counter[str]] = defaultdict(Counter)
    for count in counts:
        totals[count.read_from][count.reason] += count.count
    slots = []
    for start, by_reason in sorted(totals.items()):
        n = by_reason.pop(ALL, 0)
        # A half without a counterpart may have been read long before.
        slots.append(Records(start, max(n, by_reason.total()), by_reason))
    return slots


def add_up(slots: Sequence[Records]) -> Records:
    """Return the sum of quarters of an hour; there is at least one."""
    by_reason = sum((slot.by_reason for slot in slots), Counter[str]())
    return Records(slots[0].since, sum(slot.n for slot in slots), by_reason)


def newest_slots(slots: Sequence[Records], now: datetime) -> Sequence[Records]:
    """Return the newest quarters of an hour: two, or as many as have :data:`MIN_RECORDS`."""
    n, first = 0, len(slots)
    for slot in reversed(slots):
        enough = n >= MIN_RECORDS and slot.since <= now - 2 * SLOT
        if enough or slot.since <= now - LONGEST:
            break
        n, first = n + slot.n, first - 1
    return slots[first:]


def find_unusual(slots: Sequence[Records], now: datetime, limit: float) -> Records | None:
    """Return the newest records if their share is above a limit; ``None`` where it is not.

    Where few are read, they may have too few dead letters: those before join them, up to a day's.
    """
    newest = newest_slots(slots, now)
    if not newest or add_up(newest).share <= limit:
        return None
    n_day = sum(slot.since > now - LONGEST for slot in slots)
    times = (add_up(slots[-n:]) for n in range(len(newest), max(n_day, len(newest)) + 1))
    return next((records for records in times if records.exceeds(limit)), None)


def usual_share(slots: Sequence[Records], until: datetime) -> float | None:
    """Return the share that an hour or a day usually reached before a time.

    It did on a quarter of the days, and on two, or on two of that weekday. ``None``: the history is
    too short.
    """
    if not slots or slots[0].since > until - SHORTEST_HISTORY:
        return None
    of_days: dict[datetime, list[Records]] = defaultdict(list)
    for slot in slots:
        of_days[slot.since.replace(hour=0, minute=0)].append(slot)
    highest = {day: _highest_share(of_day) for day, of_day in of_days.items()}
    of_weekday = [share for day, share in highest.items() if day.weekday() == until.weekday()]
    rank = max(2, math.ceil(USUAL_DAYS * len(highest)))
    return max(_at_rank(highest.values(), rank), _at_rank(of_weekday, 2))


def unusual_from(usual: float | None) -> float:
    """Return the share above which one is unusual: 5 points and twice as high.

    Where most records are dead letters already, half of the rest.
    """
    if usual is None:
        return WITHOUT_HISTORY
    return usual + max(MIN_RISE, min(usual, (1.0 - usual) / 2))


def limits_of_reasons(
    day: Sequence[Records], history: Sequence[Records], until: datetime
) -> dict[str, float]:
    """Return the share of a day above which each reason in many of its hours is unusual."""
    hours = {(reason, slot.since.replace(minute=0)) for slot in day for reason in +slot.by_reason}
    n_hours = Counter(reason for reason, _ in hours)
    limits = {}
    for reason in [reason for reason, n in n_hours.items() if n >= HOURS_OF_REASON]:
        usual = usual_share([slot.of_reason(reason) for slot in history], until)
        if usual is not None:
            limits[reason] = 4 * usual + MIN_RISE_OF_REASON
    return limits


def since_onset(slots: Sequence[Records], unusual: Records, limit: float) -> Records:
    """Return the records since the unusual ones began, and their share is above a limit."""
    is_above = [slot.share > limit for slot in slots]
    first = next(n for n, slot in enumerate(slots) if slot.since >= unusual.since and is_above[n])
    while first and is_above[first - 1]:
        first -= 1
    return add_up(slots[first:])


def since_first_of(slots: Sequence[Records], reasons: Collection[str]) -> Records:
    """Return the records since the first dead letter of some reasons, and those of the reasons."""
    first = next(n for n, slot in enumerate(slots) if any(map(slot.by_reason.get, reasons)))
    lasting = add_up(slots[first:])
    return replace(
        lasting, by_reason=Counter({reason: lasting.by_reason[reason] for reason in reasons})
    )


def _highest_share(of_day: Sequence[Records]) -> float:
    hours: dict[int, list[Records]] = defaultdict(list)
    for slot in of_day:
        hours[slot.since.hour].append(slot)
    periods = [add_up(of_day), *map(add_up, hours.values())]
    return max((p.share for p in periods if p.n_dead >= MIN_OF_HISTORY), default=0.0)


def _at_rank(shares: Iterable[float], rank: int) -> float:
    highest = sorted(shares, reverse=True)
    return highest[rank - 1] if len(highest) >= rank else 0.0
