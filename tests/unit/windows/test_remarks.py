"""Remarks on days without traffic, and on shares of large end users."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.large_users import large_user_shares
from monitor.windows.findings.remarks import remarks_on_silent_days

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
