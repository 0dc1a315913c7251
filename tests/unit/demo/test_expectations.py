"""Exit status of the demo: failure if the loop did not work."""

from dataclasses import replace

import pytest

from monitor.demo.expectations import (
    WeekOutcome,
    forgetting_expectations,
    launch_expectations,
    learning_expectations,
    weekly_expectations,
)
from monitor.store.training.candidate_results import (
    CandidateResults,
    CheckOutcome,
    GateCheck,
    GateResult,
)

QUIET = WeekOutcome(
    number=1,
    alarm=False,
    verdict="no_drift",
    input_alarm=False,
    output_tested=True,
    topic_names=(),
    topic_examples=(),
    verdicts_of_others={"receipts": "no_drift"},
)
DRIFTED = WeekOutcome(
    number=4,
    alarm=True,
    verdict="drift",
    input_alarm=True,
    output_tested=True,
    topic_names=("watch tap pay",),
    topic_examples=(("pay by watch", "tap my ring", "lost my card"),),
    verdicts_of_others={"receipts": "no_drift"},
)
TRUTH = {"pay by watch": "wearable", "tap my ring": "wearable", "lost my card": "lost card"}


def held(weeks: list[WeekOutcome]) -> list[bool]:
    return [e.holds for e in weekly_expectations(weeks, TRUTH, frozenset({"wearable"}))]


def test_expectations_of_the_demo_hold_for_its_story() -> None:
    assert held([QUIET, QUIET, QUIET, DRIFTED]) == [True] * 5


def test_an_alarm_in_an_ordinary_week_fails() -> None:
    assert held([QUIET, replace(QUIET, alarm=True), QUIET, DRIFTED]) == [
        False,
        True,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize(
    "week", [replace(DRIFTED, verdict="no_drift"), replace(DRIFTED, input_alarm=False)]
)
def test_no_drift_in_the_fourth_week_fails(week: WeekOutcome) -> None:
    assert held([QUIET, week]) == [True, False, True, True, True]


def test_untested_responses_in_the_fourth_week_fail() -> None:
    week = replace(DRIFTED, output_tested=False)
    assert held([QUIET, week]) == [True, True, False, True, True]


def test_a_topic_with_mostly_other_examples_is_not_named() -> None:
    week = replace(DRIFTED, topic_examples=(("tap my ring", "lost my card", "lost my card"),))
    assert held([QUIET, week]) == [True, True, True, False, True]


@pytest.mark.parametrize("verdict", ["drift", "not_enough_data"])
def test_another_verdict_on_the_second_model_fails(verdict: str) -> None:
    week = replace(QUIET, verdicts_of_others={"receipts": verdict})
    assert held([week, DRIFTED]) == [True, True, True, True, False]


def evaluated(gate_result: GateResult, **outcomes: CheckOutcome) -> CandidateResults:
    """Build the results of an evaluation, by the code of each check."""
    checks = (GateCheck(code, outcome, "", "", code=code) for code, outcome in outcomes.items())
    return CandidateResults(
        gate_result=gate_result,
        checks=tuple(checks),
        comparisons=(),
        scores=(),
        remarks=(),
        dataset_digests={},
        policy={},
    )


PROMOTED = evaluated("promote", better="passed", retention="passed")


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ((0.0, 0.5, 0.9, 0.85), [True, True, True]),
        ((0.0, 0.49, 0.9, 0.9), [False, True, True]),
        ((0.0, 0.9, 0.9, 0.84), [True, False, True]),
    ],
)
def test_learning_is_judged_at_the_promised_points(
    figures: tuple[float, float, float, float], expected: list[bool]
) -> None:
    names = ("before_new", "after_new", "before_old", "after_old")
    values = dict(zip(names, figures, strict=True))
    assert [e.holds for e in learning_expectations(PROMOTED, **values)] == expected


@pytest.mark.parametrize(
    "results",
    [
        evaluated("undecided", better="passed", retention="undecided"),
        evaluated("promote", better="passed", retention="undecided"),
        evaluated("reject", better="passed", retention="failed"),
    ],
)
def test_a_candidate_must_pass_every_check(results: CandidateResults) -> None:
    *_, passes = learning_expectations(
        results, before_new=0.0, after_new=0.9, before_old=0.9, after_old=0.9
    )
    assert not passes.holds


@pytest.mark.parametrize(
    ("results", "after", "expected"),
    [
        (evaluated("reject", better="passed", retention="failed"), 0.6, [True, True]),
        (evaluated("reject", better="failed", retention="passed"), 0.6, [True, False]),
        (evaluated("undecided", retention="failed"), 0.6, [True, False]),
        (PROMOTED, 0.92, [False, False]),
    ],
)
def test_forgetting_must_be_what_stops_the_candidate(
    results: CandidateResults, after: float, expected: list[bool]
) -> None:
    assert expected == [e.holds for e in forgetting_expectations(results, 0.97, after)]


@pytest.mark.parametrize(
    ("old", "prompted", "expected"),
    [
        (0.85, 0.01, [True, True]),
        (0.84, 0.5, [False, True]),
        (1.0, 0.0, [True, False]),
        (1.0, None, [True]),
    ],
)
def test_the_launch_must_put_the_gates_to_the_test(
    old: float, prompted: float | None, expected: list[bool]
) -> None:
    assert expected == [e.holds for e in launch_expectations(old, prompted)]
