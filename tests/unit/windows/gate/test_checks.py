"""Checks of a comparison, and the outcome of those that a pipeline fails on."""

import math
from typing import Any

import pytest

from monitor.errors import InputError
from monitor.store.windows.assessment import Assessment
from monitor.windows.gate.checks import list_checks, outcome_of
from monitor.windows.gate.fail_on import FailOn, parse_fail_on
from tests.support.refusals import refusal
from tests.support.windows.assessment_cases import CASES, metric_fell, no_drift
from tests.support.windows.assessments import (
    make_assessment,
    make_family,
    make_numeric_column,
    not_comparable,
    not_enough_data,
)
from tests.support.windows.gate_cases import BASIS, make_rule, make_segment, make_segmentation

OUTCOMES = {"drift": "failed", "no_drift": "passed", "not_enough_data": "undecided"}
UNKNOWN = {"verdict": "not_enough_data", "p_value": math.nan}


def outcome(assessment: Assessment, *fail_on: str) -> str:
    gate = parse_fail_on(
        fail_on,
        has_rules=bool(assessment.rules),
        has_segments=assessment.segmentation is not None,
    )
    return outcome_of(list_checks(assessment, gate))


@pytest.mark.parametrize("case", [*CASES.values(), not_enough_data])
def test_the_default_outcome_is_that_of_the_verdict(case: Any) -> None:
    assessment = case()
    assert outcome(assessment) == OUTCOMES[assessment.verdict]
    assert outcome(assessment, "metric:resolved") in {"failed", "undecided"}


def test_a_verdict_of_no_family_is_its_own_check() -> None:
    """Of versions that could not be compared, or of an alarm that a newer release knows."""
    for verdict in ("not_enough_data", "drift"):
        assessment = make_assessment(verdict=verdict, alarm=verdict == "drift")
        first, *_ = list_checks(assessment, FailOn())
        assert (first.name, first.sentence) == ("comparison", assessment.headline)
        assert outcome(assessment) == OUTCOMES[verdict]


def test_prompts_alone_pass_and_their_absent_responses_are_no_pass() -> None:
    absent = make_family("output", untested_reason="no_responses", **UNKNOWN)
    checks = list_checks(make_assessment(output=absent), FailOn())
    assert [(check.outcome, check.is_gated) for check in checks] == [
        ("passed", True),
        ("undecided", False),
    ]
    assert outcome_of(checks) == "passed"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "failed"),
        ({"degraded": False, "relative_change": -0.01}, "failed"),  # by whatever effect
        ({"adjusted_p_value": 0.01}, "passed"),
        ({"current_mean": 0.9}, "passed"),
        ({"direction": -1}, "passed"),
        ({"direction": 0}, "undecided"),
        ({"direction": 0, "current_mean": 0.9}, "undecided"),
        ({"direction": 0, "adjusted_p_value": 0.01}, "passed"),
        ({"name": "other"}, "undecided"),
        ({"side": "response"}, "undecided"),
    ],
)
def test_a_guarded_metric_is_decided_by_its_direction(
    values: dict[str, Any], expected: str
) -> None:
    metric = make_numeric_column(**values)
    assessment = make_assessment(numeric_columns=(metric,), basis=BASIS)
    assert outcome(assessment, "metric:resolved") == expected
    (check,) = (
        check
        for check in list_checks(assessment, FailOn(metrics=("resolved",)))
        if check.name == "resolved" and check.is_gated and check.kind == "metric"
    )
    assert ("drift.higher_is_better" in check.sentence) is (metric.direction == 0)


def test_guarded_metric_of_few_exchanges_is_undecided_unless_worse() -> None:
    fallen = not_comparable("resolved").fallen_coverage
    for values, expected in (({"adjusted_p_value": 0.5}, "undecided"), ({}, "failed")):
        assessment = make_assessment(
            numeric_columns=(make_numeric_column(**values),), basis=BASIS, fallen_coverage=fallen
        )
        assert outcome(assessment, "metric:resolved") == expected


def test_only_what_fail_on_names_decides() -> None:
    assessment = metric_fell()
    with_rule = make_assessment(0.3, rules=(make_rule(outcome="broken"),))
    assert outcome(assessment, "drift") == "failed"
    assert outcome(with_rule, "rule") == "failed"
    rule_kept = make_assessment(0.3, rules=(make_rule(),))
    assert (
        outcome(rule_kept, "rule"),
        outcome(rule_kept),
        outcome(rule_kept, "rule", "drift"),
    ) == (
        "passed",
        "failed",
        "failed",
    )
    calm = make_assessment(rules=(make_rule(outcome="undecided"),))
    assert (outcome(calm), outcome(calm, "drift"), outcome(calm, "rule")) == (
        "undecided",
        "passed",
        "undecided",
    )


@pytest.mark.parametrize(("share", "expected"), [(0.09, "passed"), (0.1, "undecided")])
def test_segments_with_too_little_data_count_together(share: float, expected: str) -> None:
    small = [
        make_segment(name, share_current=share / 2, verdict="not_enough_data")
        for name in ("a", "b")
    ]
    segmentation = make_segmentation(make_segment("c"), *small)
    assert outcome(make_assessment(segmentation=segmentation)) == expected


def test_a_segment_that_alarms_fails_and_the_mix_does_not() -> None:
    alarm = make_segment("a", verdict="drift", alarm=True, headline="Prompts have drifted.")
    grown = make_segment("b", share_reference=0.1, share_current=0.8)
    moved = make_assessment(0.3, segmentation=make_segmentation(grown))
    assert (outcome(moved, "segment"), outcome(moved, "drift")) == ("passed", "failed")
    alarming = make_assessment(segmentation=make_segmentation(alarm, grown))
    assert {outcome(alarming), outcome(alarming, "segment"), outcome(alarming, "drift")} == {
        "failed"
    }


@pytest.mark.parametrize("value", ["", "Drift", "metric:", "metric", "rules"])
def test_an_unknown_reason_is_refused_with_those_allowed(value: str) -> None:
    with refusal("unknown_fail_on", InputError, match="metric:NAME"):
        parse_fail_on([value], has_rules=True, has_segments=True)


@pytest.mark.parametrize("value", ["rule", "segment"])
def test_nothing_to_fail_on_is_refused(value: str) -> None:
    with refusal("nothing_to_fail_on", InputError, match="give --"):
        parse_fail_on([value, "drift"], has_rules=False, has_segments=False)
    assert outcome(no_drift()) == "passed"
