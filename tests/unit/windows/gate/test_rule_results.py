"""Fixed rules on the current side."""

import math
from typing import Any

import pytest

from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import RuleResult
from monitor.windows.gate.rule_results import check_rules

LONG = "You can do that in the app, under settings."


def window(n: int = 400, *, empty: int = 0, users: int = 0, **metrics: Any) -> Exchanges:
    """Return n exchanges; ``empty`` of the responses are empty, metrics are called by row."""
    return Exchanges(
        prompts=[f"prompt {row}" for row in range(n)],
        responses=["" if row < empty else LONG for row in range(n)],
        end_users=[f"user {row % users}" if users else "" for row in range(n)],
        attributes=[{name: value(row) for name, value in metrics.items()} for row in range(n)],
    )


def result_of(rule: str, current: Exchanges, *, has_responses: bool = True) -> RuleResult:
    (result,) = check_rules([rule], current, has_responses=has_responses)
    return result


@pytest.mark.parametrize(
    ("empty", "outcome"), [(0, "kept"), (1, "undecided"), (3, "undecided"), (20, "broken")]
)
def test_a_share_is_decided_by_its_interval(empty: int, outcome: str) -> None:
    result = result_of("empty < 1%", window(empty=empty))
    assert result.outcome == outcome
    assert result.estimate == pytest.approx(empty / 400)
    assert result.n_values == 400


def test_many_exchanges_of_few_end_users_leave_a_rule_undecided() -> None:
    assert result_of("empty < 1%", window(users=40)).outcome == "undecided"
    assert result_of("empty < 1%", window(users=400)).outcome == "kept"


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ("cost_p50 < 7", "broken"),
        ("cost_p50 <= 7", "kept"),
        ("cost_p50 > 7", "broken"),
        ("cost_p50 >= 7", "kept"),
    ],
)
def test_a_value_at_the_bound_counts_by_the_operator(rule: str, outcome: str) -> None:
    assert result_of(rule, window(cost=lambda _: 7)).outcome == outcome


@pytest.mark.parametrize(
    ("rule", "metrics", "reason"),
    [
        ("judge_mean >= 3", {}, "no metric of that name"),
        ("judge_mean >= 3", {"judge": lambda _: math.nan}, "no metric of that name"),
        ("judge_mean >= 3", {"judge": lambda _: "4"}, "no metric of that name"),
        ("judge >= 3", {"judge": lambda row: row % 5}, "judge_mean"),
        ("judge >= 60%", {"judge": lambda row: row % 5}, "0 to 1"),
        ("length < 800", {}, "length_p95"),
    ],
)
def test_a_rule_without_an_interval_is_undecided_with_the_reason(
    rule: str, metrics: dict[str, Any], reason: str
) -> None:
    result = result_of(rule, window(**metrics))
    assert result.outcome == "undecided"
    assert reason in result.reason
    assert (result.estimate, result.lower, result.upper) == (None, None, None)


def test_values_that_are_missing_are_left_out() -> None:
    current = window(solved=lambda row: row % 4 == 0 if row % 2 else None)
    result = result_of("solved < 50%", current)
    assert (result.n_values, result.estimate, result.outcome) == (200, 0.0, "kept")


def test_responses_that_are_missing_are_not_empty() -> None:
    current = window(empty=400)
    assert result_of("empty < 1%", current).outcome == "broken"
    absent = result_of("empty < 1%", current, has_responses=False)
    assert (absent.outcome, "no responses" in absent.reason) == ("undecided", True)
    assert result_of("prompt:length_p95 < 9", current, has_responses=False).outcome == "kept"


def test_a_side_chooses_between_names_and_no_exchange_decides_nothing() -> None:
    current = window(empty=100, loop=lambda row: row % 2 == 0, cost_p95=lambda _: 1)
    assert result_of("loop < 3%", current).outcome == "kept"
    assert result_of("metric:loop < 3%", current).outcome == "broken"
    assert result_of("cost_p95 >= 1", current).n_values == 400  # a metric of that whole name
    assert len(check_rules(["empty < 1%", "empty < 1%"], current, has_responses=True)) == 1
    none = result_of("empty < 1%", Exchanges())
    assert (none.outcome, none.n_values) == ("undecided", 0)
