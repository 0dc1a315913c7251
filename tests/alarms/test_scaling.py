"""The rules with scaled times: every time is scaled, nothing else is."""

import re
from pathlib import Path

import pytest
import yaml

from tests.alarms.scaling import RULES, scale_expression, scale_rules

ORIGINAL = {
    rule["alert"]: rule
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}


def scaled(factor: float) -> dict[str, dict[str, str]]:
    return {
        rule["alert"]: rule for group in scale_rules(factor)["groups"] for rule in group["rules"]
    }


def numbers(expression: str) -> list[float]:
    return [float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", expression)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("time() - max(a_seconds) > 900", "time() - max(a_seconds) > 30"),
        ("a_seconds > b_seconds + 12 * 3600", "a_seconds > b_seconds + 12 * 120"),
        ("sum(increase(failures_total[15m])) >= 5", "sum(increase(failures_total[30000ms])) >= 5"),
        (
            "min_over_time(lag_records[1h]) > 100000",
            "min_over_time(lag_records[120000ms]) > 100000",
        ),
        ("ratio < 0.05", "ratio < 0.05"),
        ("max(leader) < 1", "max(leader) < 1"),
        ("a_seconds < 86400", "a_seconds < 2880"),
    ],
)
def test_expressions_are_scaled_by_their_times(expression: str, expected: str) -> None:
    assert scale_expression(expression, 30) == expected


def test_a_factor_of_one_changes_no_limit() -> None:
    for alert, rule in scaled(1).items():
        assert numbers(rule["expr"]) == numbers(ORIGINAL[alert]["expr"]), alert


def test_every_limit_in_seconds_is_scaled() -> None:
    """A number stays only where it counts something."""
    stays = {}
    for alert, rule in scaled(30).items():
        pairs = zip(numbers(rule["expr"]), numbers(ORIGINAL[alert]["expr"]), strict=True)
        for after, before in pairs:
            if after == before and before not in (0, 1):
                stays[alert, before] = after
            elif after != before:
                assert after == pytest.approx(before / 30), alert
    assert set(stays) == {
        ("DriftwardenLagGrows", 100_000),  # records
        ("DriftwardenDeadLetters", 0.05),  # a share
        ("DriftwardenDiskFull", 0.05),
        ("DriftwardenJobFailing", 5),  # failures
        ("DriftwardenNotEvaluating", 12),  # times an hour, which is scaled
    }


def test_waiting_times_are_divided() -> None:
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    for alert, rule in scaled(10).items():
        assert ("for" in rule) == ("for" in ORIGINAL[alert])
        if "for" in rule:
            before = ORIGINAL[alert]["for"]
            wanted = int(before[:-1]) * seconds[before[-1]] * 100
            assert rule["for"] == f"{wanted}ms", alert


def test_a_duration_of_several_units_is_refused(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("groups: [{rules: [{alert: A, expr: up == 0, for: 1h30m}]}]")
    with pytest.raises(ValueError, match="1h30m"):
        scale_rules(30, rules)
