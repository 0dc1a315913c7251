"""Grammar of fixed rules."""

import pytest

from monitor.settings import Drift
from monitor.settings.rules import parse_rule


@pytest.mark.parametrize(
    ("text", "side", "name", "operator", "bound"),
    [
        ("empty < 1%", "", "empty", "<", 0.01),
        ("  refusal<3 % ", "", "refusal", "<", 0.03),
        ("length_p95 <= 800 tokens", "", "length_p95", "<=", 800.0),
        ("prompt:length_mean >= 3.5", "prompt", "length_mean", ">=", 3.5),
        ("metric:latency_ms_p99 < 900ms", "metric", "latency_ms_p99", "<", 900.0),
        ("metric:net gain > -2", "metric", "net gain", ">", -2.0),
    ],
)
def test_a_rule_has_name_operator_and_bound(
    text: str, side: str, name: str, operator: str, bound: float
) -> None:
    rule = parse_rule(text)
    assert (rule.side, rule.name, rule.operator, rule.bound) == (side, name, operator, bound)
    assert parse_rule(rule.text) == rule


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("empty", "is no rule"),
        ("empty < ", "is no rule"),
        ("< 3", "is no rule"),
        ("empty == 1%", "is no rule"),
        ("1 < length_p95 < 9", "is no rule"),
        ("empty < 1e3", "is no rule"),
        ("empty < nan", "is no rule"),
        ("empty < 0%", "above 0%"),
        ("empty < 100%", "below 100%"),
        ("length_p95 < 8%", "tokens"),
        ("length_p95 < 8ms", "isn't in ms"),
        ("latency_ms_p95 < 2s", "isn't in s"),
        ("length_p0 < 8", "p1 to p99"),
    ],
)
def test_a_text_that_is_no_rule_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_rule(text)
    with pytest.raises(ValueError, match="rules"):
        Drift(rules=(text,))
