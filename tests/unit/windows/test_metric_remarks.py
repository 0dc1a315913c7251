"""Metrics named in remarks, and their order."""

from monitor.settings import Drift
from monitor.windows.findings.metric_remarks import metrics_not_compared


def test_too_few_values_on_both_sides_are_no_loss() -> None:
    few = [{"rating": 4}] * 19 + [{}] * 81
    assert metrics_not_compared(few, [{}] * 100, Drift()) == ()
    (remark,) = metrics_not_compared([{"rating": 4}] * 20, few, Drift())
    assert "`rating` (20 in the baseline, 19 in the window)" in remark


def test_what_may_alarm_is_named_first_and_many_are_counted() -> None:
    baseline = [{f"key {key}": key for key in range(9)} | {"mine": 1}] * 40
    drift = Drift(higher_is_better=("mine",))
    (remark,) = metrics_not_compared(baseline, [], drift)
    assert "values: `mine` (40 in" in remark
    assert "`key 5` (40 in the baseline, 0 in the window) and 3 more." in remark


def test_names_from_traffic_are_shown_on_one_line() -> None:
    (remark,) = metrics_not_compared([{"a\nb\x1b[31m" + "c" * 99: 1}] * 20, [], Drift())
    assert "\n" not in remark
    assert "\x1b" not in remark
