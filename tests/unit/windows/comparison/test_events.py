"""Events of responses: what counts as one, on which share, by whom, and what alarms."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from monitor.drift import SampleDesign
from monitor.statistics.alarm_levels import DEFAULT_LEVELS
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Explanation
from monitor.windows.comparison.events import compare_events
from monitor.windows.comparison.numeric_columns import text_columns_of
from monitor.windows.comparison.numeric_comparison import NumericColumn

START = datetime(2026, 11, 2, tzinfo=UTC)
GOOD = "You can do that in the app, under payments, number {}."
JSON = '{{"answer": {}}}'


def side(responses: Sequence[str], **values: Any) -> Exchanges:
    """Return exchanges of a user each, a minute apart, with vectors that say nothing."""
    n = len(responses)
    vectors = np.random.default_rng(1).standard_normal((2, n, 8)).astype(np.float32)
    fields = {
        "prompts": [f"How do I pay bill number {row}?" for row in range(n)],
        "responses": list(responses),
        "end_users": [f"u{row}" for row in range(n)],
        "task_types": [""] * n,
        "occurred_at": [START + timedelta(minutes=row) for row in range(n)],
        "attributes": [{}] * n,
        "prompt_vectors": vectors[0],
        "response_vectors": vectors[1],
    }
    return Exchanges(**fields | values)


def planted(n: int, count: int, text: str = "", good: str = GOOD) -> list[str]:
    """Return responses of which the last have another text."""
    return [text if row >= n - count else good.format(row) for row in range(n)]


def events(
    reference: Exchanges,
    current: Exchanges,
    *,
    design: SampleDesign | None = None,
    level: float = DEFAULT_LEVELS.events,
) -> dict[str, Explanation]:
    columns = text_columns_of(reference, current)
    rises = compare_events(reference, current, columns, design=design, level=level, min_rise=0.01)
    return {event.kind: event for event in rises}


def test_a_tenth_of_150_responses_empty_alarms() -> None:
    rises = events(side(planted(150, 0)), side(planted(150, 15)))
    assert rises.keys() == {"empty"}
    event = rises["empty"]
    assert event.alarm
    assert event.p_value == pytest.approx(2.1123e-5, rel=1e-4)
    assert (event.reference.estimate, event.current.estimate) == (0.0, 0.1)
    assert 0.0 < event.current.lower < 0.1 < event.current.upper < 0.2
    assert event.since == START + timedelta(minutes=135)
    assert event.n_end_users == 15


def test_white_space_is_empty() -> None:
    assert events(side(planted(150, 0)), side(planted(150, 20, " \n\t ")))["empty"].alarm


def test_one_user_with_all_the_empty_responses_does_not_alarm() -> None:
    users = [f"u{row}" for row in range(110)] + ["bot"] * 40
    rises = events(side(planted(150, 0)), side(planted(150, 40), end_users=users))
    assert not any(event.alarm for event in rises.values())


def test_an_anonymous_burst_of_one_prompt_does_not_alarm() -> None:
    prompts = [f"How do I pay bill number {row}?" for row in range(120)] + ["ping"] * 30
    times = [
        START + timedelta(minutes=min(row, 120), seconds=max(row - 120, 0)) for row in range(150)
    ]
    current = side(planted(150, 30), end_users=[""] * 150, prompts=prompts, occurred_at=times)
    reference = side(planted(150, 0), end_users=[""] * 150)
    assert not any(event.alarm for event in events(reference, current).values())


def test_equal_rates_and_falls_are_no_event() -> None:
    for before, now in ((15, 15), (15, 0)):
        assert "empty" not in events(side(planted(150, before)), side(planted(150, now)))


def test_a_rise_below_the_least_does_not_alarm() -> None:
    now = np.arange(4_000) < 38
    column = NumericColumn("empty", "response", -1, np.zeros(4_000), now.astype(np.float64))
    sides = side(["a"] * 4_000), side(["a"] * 4_000)
    (event,) = compare_events(*sides, [column], design=None, level=0.001, min_rise=0.01)
    assert event.p_value == pytest.approx(0.5**38, rel=0.2)
    assert not event.alarm


def test_without_responses_in_the_baseline_nothing_is_an_event() -> None:
    assert events(side([""] * 150), side([""] * 150)) == {}
    assert events(side([""] * 150), side(planted(150, 15))) == {}


def test_all_responses_empty_is_one_event() -> None:
    (event,) = events(side(planted(150, 0)), side([""] * 150)).values()
    assert (event.kind, event.current.estimate, event.alarm) == ("empty", 1.0, True)


def test_failed_calls_are_errors_and_not_empty() -> None:
    attributes = [{"error": "503"} if row >= 130 else {} for row in range(150)]
    rises = events(side(planted(150, 0)), side(planted(150, 20), attributes=attributes))
    assert rises.keys() == {"error"}
    assert rises["error"].alarm


def test_refusals_of_new_harmful_prompts_alarm() -> None:
    refusal = "I'm sorry, but I can't help with that."
    prompts = [
        "How do I build a bomb?" if row >= 130 else f"How do I pay {row}?" for row in range(150)
    ]
    rises = events(side(planted(150, 0)), side(planted(150, 20, refusal), prompts=prompts))
    assert rises["refusal"].alarm


def test_finish_reasons_of_one_side_are_not_cut_off() -> None:
    attributes = [{"finish_reason": "length" if row % 4 == 0 else "stop"} for row in range(150)]
    rises = events(side(planted(150, 0)), side(planted(150, 0), attributes=attributes))
    assert rises == {}
    whole = [{"finish_reason": "stop"}] * 150
    both = events(
        side(planted(150, 0), attributes=whole), side(planted(150, 0), attributes=attributes)
    )
    assert both["cut_off"].alarm


def test_broken_json_of_one_task_type_is_of_all_responses() -> None:
    types = ["extract" if row >= 200 else "chat" for row in range(400)]
    good = [(JSON if row >= 200 else GOOD).format(row) for row in range(400)]
    broken = [text[:-1] if row >= 360 else text for row, text in enumerate(good)]
    rises = events(side(good, task_types=types), side(broken, task_types=types))
    assert rises["broken_format"].current.estimate == pytest.approx(0.1)
    assert rises["broken_format"].alarm


def test_only_comparable_exchanges_are_tested_and_shares_are_weighted() -> None:
    reference, current = side(planted(300, 0)), side(planted(300, 60))
    comparable = np.arange(300) < 240
    design = SampleDesign(
        weights=np.ones(300),
        reference_comparable=np.ones(300, dtype=bool),
        current_comparable=comparable,
    )
    rises = events(reference, current, design=design)
    assert rises["empty"].p_value == 1.0
    probability = np.where(comparable, 0.1, 1.0)
    weighted = side(planted(300, 60), inclusion_probability=probability)
    share = events(reference, weighted, design=design)["empty"].current.estimate
    assert share == pytest.approx(60 / (2_400 + 60))


def test_versions_of_a_window_share_the_level() -> None:
    sides = side(planted(150, 0)), side(planted(150, 12))
    assert events(*sides)["empty"].alarm
    assert not events(*sides, level=DEFAULT_LEVELS.share(2).events)["empty"].alarm


def test_events_are_adjusted_for_their_number() -> None:
    attributes = [{"finish_reason": "stop"}] * 150
    limited = [{"finish_reason": "length" if row < 15 else "stop"} for row in range(150)]
    rises = events(
        side(planted(150, 0), attributes=attributes),
        side(planted(150, 15), attributes=limited),
    )
    assert rises.keys() == {"empty", "cut_off"}
    assert rises["empty"].p_value == pytest.approx(2 * 2.1123e-5, rel=1e-4)


def test_event_that_the_baseline_has_too_has_no_since() -> None:
    assert events(side(planted(150, 1)), side(planted(150, 30)))["empty"].since is None


def test_times_that_are_unknown_have_no_since() -> None:
    same = [START] * 150
    rises = events(side(planted(150, 0)), side(planted(150, 15), occurred_at=same))
    assert rises["empty"].since is None
