"""Windows, topic names, excerpts, remarks and headlines."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitor.rendering.excerpts import excerpt
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.assessment.headline import headline, not_enough
from monitor.windows.assessment.remarks import remarks_on
from monitor.windows.comparison.large_users import large_user_shares
from monitor.windows.schedule import due_windows, window_of
from monitor.windows.topics.names import document_frequencies, name_topic
from tests.support.windows.assessments import (
    make_family,
    make_numeric_column,
    make_slow,
    make_topic,
)

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def window(days: list[int], users: list[str]) -> Exchanges:
    n = len(days)
    return Exchanges(
        prompts=["hello"] * n,
        responses=["hi"] * n,
        end_users=users,
        task_types=[""] * n,
        occurred_at=[MONDAY + timedelta(days=day) for day in days],
        attributes=[{}] * n,
        prompt_vectors=np.ones((n, 1)),
        response_vectors=np.ones((n, 1)),
    )


def test_weeks_run_from_monday_to_monday_in_utc() -> None:
    assert window_of(MONDAY, "weekly") == (MONDAY, MONDAY + timedelta(days=7))
    late_sunday = MONDAY - timedelta(microseconds=1)
    assert window_of(late_sunday, "weekly") == (MONDAY - timedelta(days=7), MONDAY)
    elsewhere = datetime.fromisoformat("2026-11-02T00:30:00+01:00")
    assert window_of(elsewhere, "weekly")[1] == MONDAY


def test_only_windows_that_have_ended_are_due() -> None:
    first = MONDAY + timedelta(days=2)
    end = MONDAY + timedelta(days=7)
    assert due_windows(first, end - timedelta(microseconds=1), "weekly") == []
    assert due_windows(first, end, "weekly") == [(MONDAY, end)]
    assert len(due_windows(first, MONDAY + timedelta(days=27), "weekly")) == 3
    assert len(due_windows(first, MONDAY + timedelta(days=5), "daily")) == 3


def test_a_topic_is_named_by_what_sets_it_apart() -> None:
    reference = ["what is the balance of my card", "transfer money to my account"] * 50
    texts = [
        "is my crypto wallet safe",
        "send money to a crypto wallet",
        "crypto wallets and my card",
        "which crypto can I buy",
    ]
    name = name_topic(texts, document_frequencies(reference), len(reference))
    assert name.split(", ")[:2] == ["crypto", "wallet"]
    assert "wallets" not in name
    assert "money" not in name.split(", ")[:2]


def test_a_topic_without_words_has_no_name() -> None:
    assert name_topic(["?!", "12 34"], Counter(), 0) == ""


def test_other_scripts_have_names_too() -> None:
    reference = document_frequencies(["Wie ist mein Kontostand"] * 20)
    name = name_topic(["Überweisung gesperrt", "Überweisung fehlt"], reference, 20)
    assert name.split(", ")[0] == "überweisung"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\n\tlines", "two lines"),
        ("nul\x00 esc\x1b[31m", "nul esc[31m"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("\u202eright to left\u202c", "right to left"),
        ("", ""),
    ],
)
def test_an_excerpt_hides_what_terminals_and_pages_would_obey(text: str, shown: str) -> None:
    assert excerpt(text) == shown


def test_an_excerpt_is_short() -> None:
    assert excerpt("abcdef", limit=4) == "abc…"
    assert len(excerpt("x" * 10**6)) == 240


def test_days_without_traffic_are_remarked() -> None:
    bounds = (MONDAY, MONDAY + timedelta(days=7))
    (remark,) = remarks_on(window([0, 1, 2, 4, 6] * 7, [""] * 35), bounds)
    assert remark == "No traffic on 2 days of the window: 2026-11-05, 2026-11-07."
    # Of a sample of six a day, a day without any is chance.
    assert remarks_on(window([0, 1, 2, 4, 6] * 6, [""] * 30), bounds) == ()
    assert remarks_on(window(list(range(7)), [""] * 7), bounds) == ()
    assert remarks_on(window([0, 0, 0], [""] * 3), None) == ()


def test_one_user_with_much_of_the_window_is_large() -> None:
    users = ["ann"] * 3 + ["bob", "", "", "", "", "", ""]
    assert large_user_shares(window([0] * 10, users)) == {"ann": pytest.approx(0.3)}
    assert large_user_shares(window([0] * 10, [""] * 10)) == {}


def test_the_headline_tells_input_from_output() -> None:
    asked = make_family(
        verdict="drift", alarm=True, drifted_share_lower_bound=0.31, topics=(make_topic(),)
    )
    same = make_family("output")
    fell = make_numeric_column()
    assert headline(asked, same, [fell]) == (
        "People ask about new things (at least 31% of prompts are unlike the baseline: “crypto, "
        "wallet, transfer”); given what they ask, the answers are what they were, but `resolved` "
        "fell by 34%."
    )
    assert headline(make_family(), same, []) == (
        "People ask what they asked before; the answers are what they were."
    )
    changed = make_family("output", verdict="drift", alarm=True, drifted_share_lower_bound=0.2)
    assert headline(make_family(), changed, []) == (
        "People ask what they asked before; the same questions are answered otherwise (at least "
        "20% of answers are unlike the baseline's)."
    )


def test_the_headline_tells_what_moved_far_without_an_alarm() -> None:
    longer = make_numeric_column(
        name="length", side="response", effect_size=0.27, relative_change=0.53,
        reference_mean=851.0, current_mean=1306.0, degraded=False,
    )  # fmt: skip
    assert headline(make_family(), make_family("output"), [longer]) == (
        "People ask what they asked before; the answers are what they were, though "
        "`response length` rose by 53%."
    )
    changed = make_family("output", verdict="drift", alarm=True, drifted_share_lower_bound=0.2)
    assert headline(make_family(), changed, [longer]).endswith(
        "unlike the baseline's), and `response length` rose by 53%."
    )
    rare = make_numeric_column(
        name="refusal", side="response", direction=-1, relative_change=18.7,
        reference_mean=0.0055, current_mean=0.108,
    )  # fmt: skip
    assert headline(make_family(), make_family("output"), [rare]).endswith(
        "but `response refusal` rose from 0.0055 to 0.11."
    )
    small = make_numeric_column(effect_size=0.1, degraded=False)
    chance = make_numeric_column(effect_size=0.3, adjusted_p_value=0.02, degraded=False)
    assert headline(make_family(), make_family("output"), [small, chance]) == (
        "People ask what they asked before; the answers are what they were."
    )
    fallen = headline(make_family(), make_family("output"), [longer, make_numeric_column()])
    assert fallen.endswith("the answers are what they were, but `resolved` fell by 34%.")


def test_the_headline_says_since_when_drift_has_grown() -> None:
    same = make_family("output")
    assert headline(make_family(slow=make_slow()), same, []) == (
        "What people ask has been drifting slowly since 5 Oct (about 2.1% of the prompts, at least "
        "1.4%, are unlike those before it began); the answers are what they were."
    )
    both = make_family(
        verdict="drift", alarm=True, drifted_share_lower_bound=0.06, slow=make_slow()
    )
    assert headline(both, same, []).startswith(
        "People ask about new things (at least 6% of prompts are unlike the baseline, since 5 Oct);"
    )
    little = make_family(slow=make_slow(alarm=False))
    assert headline(little, same, []) == (
        "What people ask has been moving a little since 5 Oct; the answers are what they were."
    )


def test_the_headline_says_when_answers_were_not_compared() -> None:
    untested = make_family("output", verdict="not_enough_data")
    assert "the answers could not be compared" in headline(make_family(), untested, [])


def test_too_little_data_is_said_in_numbers() -> None:
    assert not_enough(2000, 37, 100) == (
        "Not enough data to judge: 100 exchanges are needed on either side, the window has 37."
    )
