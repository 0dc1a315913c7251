"""Share of dead letters: what is unusual, from a site's own history."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitor.daemon.conditions.dead_letter_share import (
    HISTORY,
    LONGEST,
    Records,
    add_up,
    find_unusual,
    limits_of_reasons,
    newest_slots,
    since_first_of,
    since_onset,
    slots_of,
    unusual_from,
    usual_share,
)
from monitor.store.traffic.record_counts import ALL, SLOT, CountedRecords

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START = datetime(2026, 3, 2, tzinfo=UTC)
#: Records in a quarter of an hour, and the share of dead letters, by time.
Site = Callable[[datetime], tuple[float, float]]


def drawn(site: Site, days: float, *, seed: int = 1) -> list[Records]:
    """Draw the quarters of an hour of a site."""
    rng = np.random.default_rng(seed)
    slots = []
    for number in range(int(days * 96)):
        since = START + number * SLOT
        rate, share = site(since)
        n = int(rng.poisson(rate))
        dead = int(rng.binomial(n, share))
        if n:
            slots.append(Records(since, n, Counter({"invalid_json": dead})))
    return slots


def alarms(slots: list[Records], first_day: float = 0.0) -> Iterator[datetime]:
    """Yield the ends of quarters of an hour at which an incident would be open."""
    for at, slot in enumerate(slots):
        if slot.since < START + first_day * DAY:
            continue
        now = slot.since + SLOT - timedelta(seconds=1)
        of_day = [s for s in slots[max(0, at - 95) : at + 1] if s.since > now - LONGEST]
        recent = add_up(newest_slots(of_day, now))
        many = find_unusual(of_day, now, unusual_from(0.0))
        if not many and at % 48:
            continue
        until = recent.since - HOUR
        before = [s for s in slots[:at] if until - HISTORY <= s.since < until]
        limits = {} if many else limits_of_reasons(of_day, before, until)
        if (many and find_unusual(of_day, now, unusual_from(usual_share(before, until)))) or any(
            add_up(of_day).of_reason(reason).exceeds(limit) for reason, limit in limits.items()
        ):
            yield now


def rhythm(since: datetime) -> float:
    weekend = 0.3 if since.weekday() > 4 else 1.0
    return weekend * (60.0 if 7 <= since.hour < 20 else 4.0)


ORDINARY: dict[str, Site] = {
    "always 2%": lambda since: (rhythm(since), 0.02),
    "busy, always 2%": lambda since: (100 * rhythm(since), 0.02),
    "always 4%, small": lambda _: (3.0, 0.04),
    "no dead letters": lambda since: (rhythm(since), 0.0),
    "a deploy breaks a few": lambda since: (60.0, 0.1 if since.hour == 9 and since.minute == 0
                                            and since.weekday() == 1 else 0.005),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("site", ORDINARY.values(), ids=list(ORDINARY))
def test_thirty_ordinary_days_open_nothing(site: Site) -> None:
    assert not any(alarms(drawn(site, 30)))


@pytest.mark.slow
@pytest.mark.parametrize(("share", "weekdays", "days"), [(0.5, 7, 3), (1.0, 7, 3), (1.0, 1, 15)])
def test_share_of_a_batch_is_usual_after_two_of_them(
    share: float, weekdays: int, days: float
) -> None:
    def site(since: datetime) -> tuple[float, float]:
        return 40.0, share if since.hour == 3 and since.weekday() < weekdays else 0.0

    slots = drawn(site, days + 8)
    assert any(alarms(slots))
    assert not any(alarms(slots, first_day=days - 1))


@pytest.mark.parametrize(
    ("before", "after", "rate", "minutes"),
    [
        (0.0, 0.4, 60.0, 15),
        (0.02, 0.4, 60.0, 15),
        (0.02, 0.4, 5000.0, 15),
        (0.1, 0.6, 60.0, 30),
        (0.0, 0.1, 500.0, 30),
        (0.0, 1.0, 14.0, 45),
        (0.0, 1.0, 1.0, 13 * 60),
        (0.0, 0.3, 6.0, 4 * 60),
    ],
)
def test_a_jump_is_found_in_time(before: float, after: float, rate: float, minutes: int) -> None:
    jump = START + 10 * DAY + 11 * HOUR
    slots = drawn(lambda since: (rate, after if since >= jump else before), 12, seed=3)
    first = next(alarms(slots, first_day=10.0))
    assert jump < first <= jump + timedelta(minutes=minutes)
    read, limit = [s for s in slots if s.since < first], unusual_from(before)
    unusual = find_unusual(read, first, limit)
    assert unusual is not None
    assert abs(since_onset(read, unusual, limit).since - jump) <= SLOT


@pytest.mark.parametrize(
    ("dead", "n", "opens"),
    [(3, 5, False), (19, 19, False), (200, 200, True), (2400, 5800, True), (20, 1000, False)],
)
def test_few_dead_letters_open_nothing(dead: int, n: int, *, opens: bool) -> None:
    assert Records(START, n, Counter(x=dead)).exceeds(unusual_from(0.0)) is opens


def test_rare_reason_is_found_beside_a_usual_one() -> None:
    """A model of 1% of the topic breaks; another reason is as frequent as ever."""
    slots = drawn(lambda _: (400.0, 0.03), 12, seed=4)
    jump = START + 10 * DAY
    assert not any(alarms(slots, first_day=10.0))
    for slot in slots:
        if slot.since >= jump:
            slot.by_reason["missing_response"] = 4
    assert next(alarms(slots, first_day=10.0)) <= jump + DAY + SLOT
    for slot in slots:
        if slot.since >= jump + 2 * HOUR:
            del slot.by_reason["missing_response"]
    assert not any(alarms(slots, first_day=10.0)), "two hours of it are over"


def test_new_site_has_no_usual_share_until_two_days() -> None:
    half_a_day = START + 1.5 * DAY
    assert usual_share(drawn(lambda _: (60.0, 0.4), 1.5), half_a_day) is None
    assert usual_share([], half_a_day) is None
    usual = usual_share(drawn(lambda _: (60.0, 0.4), 2), START + 2 * DAY)
    assert usual is not None
    assert usual > 0.3
    assert not any(alarms(drawn(lambda _: (60.0, 0.1), 8)))
    assert any(alarms(drawn(lambda _: (60.0, 0.4), 1)))


@pytest.mark.parametrize(("days", "usual"), [(1, 0.0), (2, 0.0), (6, 0.4), (8, 0.4)])
def test_two_bad_days_are_no_history_of_a_month(days: int, usual: float) -> None:
    bad = START + 10 * DAY
    slots = drawn(lambda since: (60.0, 0.4 if bad <= since < bad + days * DAY else 0.0), 20)
    assert usual_share(slots, START + 20 * DAY) == pytest.approx(usual, abs=0.1)


def test_slots_hold_at_least_their_dead_letters() -> None:
    counts = [CountedRecords(START, ALL, 3), CountedRecords(START, "unpaired_request", 7)]
    (slot,) = slots_of(counts)
    assert (slot.n, slot.n_dead, slot.share) == (7, 7, 1.0)


def test_slow_sites_are_judged_by_more_time() -> None:
    slots = [Records(START + n * HOUR, 1, Counter()) for n in range(40)]
    now = slots[-1].since
    newest = newest_slots(slots, now)
    assert newest[0].since == now - LONGEST + HOUR
    busy = drawn(lambda _: (60.0, 0.0), 1)
    assert len(newest_slots(busy, START + DAY - SLOT / 2)) == 2


def test_onset_of_reasons_is_their_first_dead_letter() -> None:
    by_slot = [{"other": 3}, {"other": 1}, {"invalid_json": 4}, {}, {"invalid_json": 1, "other": 2}]
    slots = [Records(START + n * SLOT, 50, Counter(by)) for n, by in enumerate(by_slot)]
    lasting = since_first_of(slots, {"invalid_json"})
    assert (lasting.since, lasting.n) == (START + 2 * SLOT, 150)
    assert lasting.by_reason == {"invalid_json": 5}
