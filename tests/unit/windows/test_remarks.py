"""Remarks on days without traffic, on shares of large end users, and on metrics."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.large_users import large_user_shares
from monitor.windows.findings.metric_remarks import (
    metrics_not_compared,
    metrics_without_direction,
    remarks_on_unknown_metrics,
)
from monitor.windows.findings.remarks import remarks_on_copies, remarks_on_silent_days
from tests.support.windows.assessments import make_numeric_column

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def times(days: list[int]) -> list[datetime]:
    return [MONDAY + timedelta(days=day) for day in days]


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


def test_days_without_traffic_are_listed() -> None:
    bounds = (MONDAY, MONDAY + timedelta(days=7))
    (remark,) = remarks_on_silent_days(times([0, 1, 2, 4, 6] * 7), bounds)
    assert remark == "No traffic on 2 days of the window: 2026-11-05, 2026-11-07."
    # Of a sample of six a day, a day without any is chance.
    assert remarks_on_silent_days(times([0, 1, 2, 4, 6] * 6), bounds) == ()
    assert remarks_on_silent_days(times(list(range(7))), bounds) == ()
    assert remarks_on_silent_days(times([0, 0, 0]), None) == ()


def test_end_user_with_over_a_quarter_is_large() -> None:
    users = ["ann"] * 3 + ["bob", "", "", "", "", "", ""]
    assert large_user_shares(window([0] * 10, users)) == {"ann": pytest.approx(0.3)}
    assert large_user_shares(window([0] * 10, [""] * 10)) == {}


def test_too_few_values_on_both_sides_are_no_loss() -> None:
    few = [{"rating": 4}] * 19 + [{}] * 81
    assert metrics_not_compared(few, [{}] * 100, Drift()) == ()
    (remark,) = metrics_not_compared([{"rating": 4}] * 20, few, Drift())
    assert "`rating` (20 in the baseline, 19 in the window)" in remark


def test_alarming_metrics_are_named_first_and_others_counted() -> None:
    baseline = [{f"key {key}": key for key in range(9)} | {"mine": 1}] * 40
    drift = Drift(higher_is_better=("mine",))
    (remark,) = metrics_not_compared(baseline, [], drift)
    assert "values: `mine` (40 in" in remark
    assert "`key 5` (40 in the baseline, 0 in the window) and 3 more." in remark


def test_names_from_traffic_are_shown_on_one_line() -> None:
    (remark,) = metrics_not_compared([{"a\nb\x1b[31m" + "c" * 99: 1}] * 20, [], Drift())
    assert "\n" not in remark
    assert "\x1b" not in remark


@pytest.mark.parametrize("name", ["wer", "latency_x", "p95", "score_v2"])
def test_a_metric_without_direction_is_named_until_it_is_set(name: str) -> None:
    columns = [make_numeric_column(name=name, direction=0, degraded=False)]
    (remark,) = metrics_without_direction(columns, Drift())
    assert f"`{name}`" in remark
    for setting in ("higher_is_better", "lower_is_better"):
        assert f"drift.{setting}" in remark
        assert metrics_without_direction(columns, Drift(**{setting: (name,)})) == ()


def test_name_that_neither_side_has_is_remarked_on() -> None:
    sides = [{"csat": 4}] * 2, [{"cost": 1, "note": "csta"}]
    drift = Drift(higher_is_better=("csta", "csat"), lower_is_better=("xyz", "context tokens"))
    (remark,) = remarks_on_unknown_metrics(sides, drift)
    assert "`csta` (did you mean `csat`?)" in remark
    assert "`xyz`." in remark
    assert "`context tokens`" not in remark
    (similar,) = remarks_on_unknown_metrics(
        sides, Drift(higher_is_better=("csta", "xyz")), only_similar=True
    )
    assert "`csta`" in similar
    assert "xyz" not in similar
    assert remarks_on_unknown_metrics(sides, Drift(higher_is_better=("csat",))) == ()


def test_known_directions_lengths_and_descriptors_need_no_setting() -> None:
    names = ("score", "latencyMs", "completion_tokens", "usage.totalTokens", "chars")
    columns = [make_numeric_column(name=name) for name in names]
    descriptor = make_numeric_column(name="length in tokens", side="response", direction=0)
    assert metrics_without_direction([*columns, descriptor], Drift()) == ()


def test_most_changed_metrics_are_named() -> None:
    columns = [
        make_numeric_column(name=f"m{n}", direction=0, adjusted_p_value=1.0 - n / 20)
        for n in range(9)
    ]
    (remark,) = metrics_without_direction(columns, Drift())
    assert "`m8`, `m7`, " in remark
    assert " and 2 more." in remark


def copied(prompts: Sequence[str], *, with_users: bool = False) -> Exchanges:
    users = [f"user-{place}" if with_users else "" for place in range(len(prompts))]
    return Exchanges(prompts=prompts, responses=["There."] * len(prompts), end_users=users)


def test_copies_on_one_side_without_end_users_are_remarked_on() -> None:
    once = [f"question {number}" for number in range(20)]
    (remark,) = remarks_on_copies(copied(once), copied(once * 3))
    assert "67% of the window, 0% of the baseline" in remark
    assert remarks_on_copies(copied(once * 3), copied(once))
    assert remarks_on_copies(copied(once * 3), copied(once * 3)) == ()
    assert remarks_on_copies(copied(once), copied(once * 3, with_users=True)) == ()
