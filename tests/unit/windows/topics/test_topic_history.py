"""Timelines of topics, and their recognition in earlier evaluations."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import FamilyAssessment
from monitor.windows.topics.history import (
    WINDOWS_SEARCHED,
    earlier_topic,
    exists_since,
    known_since,
)
from monitor.windows.topics.timeline import MAX_PERIODS, Beginning, Timeline
from tests.support.windows.assessments import make_family, make_topic

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
WEEK = (MONDAY, MONDAY + timedelta(days=7))


def window(times: list[datetime], probability: list[float] | None = None) -> Exchanges:
    n = len(times) or 3
    return Exchanges(
        prompts=["hello"] * n,
        responses=[""] * n,
        end_users=["ann", "", ""] + ["bob"] * (n - 3),
        task_types=[""] * n,
        occurred_at=times,
        attributes=[{}] * n,
        prompt_vectors=np.ones((n, 1)),
        response_vectors=np.ones((n, 1)),
        inclusion_probability=np.array([] if probability is None else probability),
    )


def days(*numbers: float) -> list[datetime]:
    return [MONDAY + timedelta(days=number) for number in numbers]


def test_each_day_of_the_window_has_a_share() -> None:
    timeline = Timeline.of(window(days(0, 0.5, 2, 2.9, 2.2, 6)), WEEK)
    assert timeline is not None
    growth = timeline.growth(np.array([1, 3, 5]))
    assert [entry.start for entry in growth] == [date(2026, 11, 2 + day) for day in range(7)]
    assert [entry.n for entry in growth] == [1, 0, 1, 0, 0, 0, 1]
    assert [entry.share for entry in growth] == [
        0.5,
        None,
        pytest.approx(1 / 3),
        None,
        None,
        None,
        1.0,
    ]
    assert timeline.first_of(np.array([5, 3])) == MONDAY + timedelta(days=2.9)


def test_shares_are_of_the_traffic_behind_the_sample() -> None:
    timeline = Timeline.of(window(days(0, 0.5, 1), [0.1, 0.3, 0.1]), None)
    assert timeline is not None
    growth = timeline.growth(np.array([0]))
    assert [(entry.n, entry.share) for entry in growth] == [(1, pytest.approx(0.75)), (0, 0.0)]


@pytest.mark.parametrize("times", [[], days(1, 1, 1)], ids=["unknown", "all alike"])
def test_without_times_there_is_no_growth(times: list[datetime]) -> None:
    assert Timeline.of(window(times), None) is None


def test_topic_of_one_day_has_a_first_time_only() -> None:
    timeline = Timeline.of(window(days(0.1, 0.2, 0.3)), None)
    assert timeline is not None
    assert timeline.growth(np.array([1])) == ()
    assert timeline.first_of(np.array([1, 2])) == MONDAY + timedelta(days=0.2)


@pytest.mark.parametrize(("length", "step"), [(35, 1), (36, 7), (245, 7), (246, 14), (3650, 105)])
def test_growth_of_a_long_window_is_given_in_weeks(length: int, step: int) -> None:
    timeline = Timeline.of(window(days(0, 1, length - 1)), None)
    assert timeline is not None
    growth = timeline.growth(np.array([0, 2]))
    assert len(growth) <= MAX_PERIODS
    assert {entry.days for entry in growth} == {step}
    assert growth[-1].start <= (MONDAY + timedelta(days=length - 1)).date()
    assert (growth[0].n, growth[-1].n) == (1, 1)


def test_days_are_those_of_utc() -> None:
    late = datetime.fromisoformat("2026-11-02T23:30:00-02:00")
    timeline = Timeline.of(window([MONDAY, MONDAY, late]), None)
    assert timeline is not None
    assert [entry.n for entry in timeline.growth(np.array([2]))] == [0, 1]


def test_users_count_once_and_exchanges_without_user_each() -> None:
    assert window(days(*range(6))).count_users([0, 1, 2, 3, 4]) == 4


def family(name: str, first_seen: datetime, known: datetime | None = None) -> FamilyAssessment:
    return make_family(topics=(make_topic(name=name, first_seen=first_seen, known_since=known),))


@pytest.mark.parametrize(
    ("name", "earlier", "same"),
    [
        ("crypto, wallet, transfer", "wallet, crypto, bitcoin, exchange", True),
        ("crypto, wallet, transfer", "crypto, tax, report", False),
        ("crypto", "crypto, wallet", True),
        ("various: crypto, wallet", "crypto, wallet", True),
        ("crypto", "loan", False),
        ("(removed)", "(removed)", False),
        ("how do I move my", "how do I move my", False),
        ("", "", False),
    ],
)
def test_topics_are_recognized_by_common_words(name: str, earlier: str, same: bool) -> None:
    first_seen = MONDAY - timedelta(days=5)
    topic = earlier_topic(name, [family(earlier, first_seen)])
    assert known_since(topic) == (first_seen if same else None)


def test_topic_is_known_since_the_first_of_an_unbroken_chain() -> None:
    first = MONDAY - timedelta(days=40)
    before = family("crypto", MONDAY - timedelta(days=5), first)
    other = family("loan", MONDAY - timedelta(days=3))
    assert known_since(earlier_topic("crypto", [other, before])) == first
    assert earlier_topic("crypto", [*[other] * WINDOWS_SEARCHED, before]) is None


def beginning(
    counts: list[int], per_day: int = 100, *, share_reference: float = 0.0
) -> Beginning | None:
    """Return since when a topic with these exchanges on each day exists."""
    times = [
        MONDAY + timedelta(days=day, minutes=minute)
        for day in range(len(counts))
        for minute in range(per_day)
    ]
    members = [day * per_day + row + 7 for day, n in enumerate(counts) for row in range(n)]
    timeline = Timeline.of(window(times), None)
    assert timeline is not None
    return timeline.beginning(np.array(members), share_reference)


@pytest.mark.parametrize(
    ("counts", "day"),
    [
        ([0, 0, 0, 0, 20, 20, 20], 4),
        ([1, 0, 0, 0, 20, 20, 20], 4),  # a single exchange that is not on the topic
        ([1, 3, 5, 8, 10, 12, 14], 1),
        ([2, 4, 6, 8, 10, 12, 14], 0),
        ([9, 0, 0, 0, 9, 0, 0], 0),
        ([0, 1, 0, 1, 0, 0, 0], 1),
    ],
    ids=["sudden", "stray", "ramp", "from the first day", "pause", "single exchanges"],
)
def test_topic_exists_from_its_first_day_on(counts: list[int], day: int) -> None:
    expected = MONDAY + timedelta(days=day, minutes=7)
    assert beginning(counts) == Beginning(expected, may_be_older=day == 0)


def test_topic_of_the_baseline_existed_before() -> None:
    assert beginning([0, 0, 20, 20], share_reference=0.05) is None
    assert beginning([0, 0, 20, 20], share_reference=0.01) is not None


def test_topic_of_a_long_window_begins_with_its_own_exchange() -> None:
    times = days(*range(100))
    timeline = Timeline.of(window(times), None)
    assert timeline is not None
    assert timeline.days == 7
    assert timeline.beginning(np.arange(40, 100), 0.0) == Beginning(times[40], may_be_older=False)


def test_first_seen_is_a_time_in_utc() -> None:
    late = datetime.fromisoformat("2026-11-02T23:30:00-02:00")
    timeline = Timeline.of(window([MONDAY, late, late]), None)
    assert timeline is not None
    assert timeline.first_of(np.array([1, 2])).isoformat() == "2026-11-03T01:30:00+00:00"


def test_topic_keeps_the_origin_of_the_earlier_evaluation() -> None:
    first, now = MONDAY - timedelta(days=9), Beginning(MONDAY, may_be_older=True)
    values = {"first_seen": MONDAY - timedelta(days=12), "exists_since": first}
    assert exists_since(now, make_topic(**values)) == Beginning(first, may_be_older=False)
    assert exists_since(now, None) == now
    assert exists_since(None, make_topic(**values)) is None
    assert exists_since(now, make_topic(first_seen=first)) is None


def test_best_match_of_an_evaluation_is_the_same_topic() -> None:
    near = make_topic(name="card, wallet, crypto, bitcoin")
    far = make_topic(name="card, wallet, lost")
    earlier = [make_family(topics=(far, near))]
    assert earlier_topic("crypto, wallet, card", earlier) == near
