"""The chart of a check's intervals, and the sentence that reads it."""

import re
from datetime import UTC, datetime

import msgspec
import pytest

from retrain.rollout.checks.results import CheckResult
from retrain.rollout.pages.sequence_chart import MOST_INTERVALS, SequenceChart, draw_sequence
from retrain.rollout.rows.looks import HOUR, Look
from retrain.rollout.wording.checks import describe_course
from tests.support.web.rollout_world import check_figures

START = datetime(2026, 11, 2, tzinfo=UTC)


def check(**figures: object) -> CheckResult:
    return msgspec.convert(check_figures(**figures), CheckResult)


def draw(*checks: CheckResult, unit: str = "") -> SequenceChart:
    looks = [
        Look(
            rollout_id=1, hour=START + number * HOUR, stage=0, weight_percent=5, n_canary=1,
            n_stable=1, seen_share=0.05, evidence={}, checks=[result], action="wait", reason="",
            looked_at=START,
        )
        for number, result in enumerate(checks)
    ]  # fmt: skip
    chart = draw_sequence(looks, checks[-1].name, unit)
    assert chart is not None
    return chart


@pytest.mark.parametrize(
    ("figures", "numbers"),
    [
        ({"lower": -0.012, "upper": 0.008}, ["26", "0.2", "1.2", "0.8", "1.0", "0.01"]),
        ({"lower": -0.03, "upper": -0.01, "stage_loss": -0.02, "not_worse": True},
         ["26", "2.0", "1.0", "3.0", "1.0", "0.01"]),
        ({"lower": 0.01, "upper": 0.03, "loss": 0.02, "worse": True},
         ["26", "2.0", "1.0", "3.0", "0.01"]),
        ({"kind": "limit", "lower": -3.0, "upper": -1.0, "stage_loss": -2.0, "is_share": False},
         ["26", "2", "1", "3"]),
        ({"kind": "goal", "difference": 0.031, "lower": 0.004, "upper": 0.058, "verdict": "better"},
         ["26", "0.4", "5.8"]),
    ],
)  # fmt: skip
def test_sentence_has_hours_interval_and_margin(
    figures: dict[str, object], numbers: list[str]
) -> None:
    text = re.sub(r"; that takes.*? pace", "", describe_course(check(**figures), 26))
    assert re.findall(r"\d[\d.]*(?<!\.)", text) == numbers
    loss = check(**figures).stage_loss or 0.0
    if check(**figures).kind == "advance":
        assert ("worse than stable (" in text) == (loss > 0 or "worse" in figures)


def test_ended_rollout_reads_no_revert_to_come() -> None:
    assert "reverts" in describe_course(check(), 26)
    assert "reverts" not in describe_course(check(), 26, is_waited=False, is_open=False)


def test_chart_places_interval_against_its_margin() -> None:
    chart = draw(*[check(lower=-0.012, upper=0.008, margin=0.02, negligible=0.001)] * 3)
    assert chart.margin is not None
    (interval, *_) = chart.intervals
    assert chart.margin < interval.upper < interval.estimate < chart.zero < interval.lower
    assert chart.hours == 3
    assert [tick.label for tick in chart.axes.y] == ["-1", "0", "+1", "+2"]
    assert "points" in chart.axes.y_title
    assert "2 Nov 2026" in chart.axes.x_title


def test_interval_of_the_first_hours_leaves_the_margin_in_sight() -> None:
    chart = draw(*[check(lower=-0.9, upper=1.0, margin=0.01)] * 2)
    assert chart.margin is not None
    assert chart.zero - chart.margin > 5.0
    assert {chart.intervals[0].upper, chart.intervals[0].lower} == {0.0, 100.0}


def test_many_hours_are_thinned_out_to_the_newest() -> None:
    chart = draw(*[check()] * 500)
    assert 0 < len(chart.intervals) <= MOST_INTERVALS
    assert chart.intervals[-1].x == 1000.0
    assert chart.axes.x_title.startswith("Days")


def test_axis_of_a_metric_has_its_own_unit() -> None:
    figures = check(name="csat", is_share=False, loss=0.2, lower=-0.1, upper=0.4, margin=0.3)
    assert "of 5" in draw(figures, figures, unit="of 5").axes.y_title
    assert "points" not in draw(figures, figures).axes.y_title
