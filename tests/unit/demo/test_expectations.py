"""Exit status of the demo: failure if the loop did not work."""

from dataclasses import replace

import pytest

from monitor.demo.expectations import WeekOutcome, learning_expectations, weekly_expectations

QUIET = WeekOutcome(
    number=1,
    alarm=False,
    verdict="no_drift",
    input_alarm=False,
    topic_names=(),
    topic_examples=(),
    verdicts_of_others={"receipts": "no_drift"},
)
DRIFTED = WeekOutcome(
    number=4,
    alarm=True,
    verdict="drift",
    input_alarm=True,
    topic_names=("watch tap pay",),
    topic_examples=(("pay by watch", "tap my ring", "lost my card"),),
    verdicts_of_others={"receipts": "no_drift"},
)
TRUTH = {"pay by watch": "wearable", "tap my ring": "wearable", "lost my card": "lost card"}


def held(weeks: list[WeekOutcome]) -> list[bool]:
    return [e.holds for e in weekly_expectations(weeks, TRUTH, frozenset({"wearable"}))]


def test_the_story_as_promised_holds() -> None:
    assert held([QUIET, QUIET, QUIET, DRIFTED]) == [True, True, True, True]


def test_an_alarm_in_an_ordinary_week_fails() -> None:
    assert held([QUIET, replace(QUIET, alarm=True), QUIET, DRIFTED]) == [False, True, True, True]


@pytest.mark.parametrize(
    "week", [replace(DRIFTED, verdict="no_drift"), replace(DRIFTED, input_alarm=False)]
)
def test_no_drift_in_the_fourth_week_fails(week: WeekOutcome) -> None:
    assert held([QUIET, week]) == [True, False, True, True]


def test_a_topic_with_mostly_other_examples_is_not_named() -> None:
    week = replace(DRIFTED, topic_examples=(("tap my ring", "lost my card", "lost my card"),))
    assert held([QUIET, week]) == [True, True, False, True]


@pytest.mark.parametrize("verdict", ["drift", "not_enough_data"])
def test_another_verdict_on_the_second_model_fails(verdict: str) -> None:
    week = replace(QUIET, verdicts_of_others={"receipts": verdict})
    assert held([week, DRIFTED]) == [True, True, True, False]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ((0.0, 0.5, 0.9, 0.85), [True, True]),
        ((0.0, 0.49, 0.9, 0.9), [False, True]),
        ((0.0, 0.9, 0.9, 0.84), [True, False]),
    ],
)
def test_learning_is_judged_at_the_promised_points(
    figures: tuple[float, float, float, float], expected: list[bool]
) -> None:
    assert [e.holds for e in learning_expectations(*figures)] == expected
