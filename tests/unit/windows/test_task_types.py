"""Task mix with more task types than rows: the same ones on both sides, and the sum of the rest."""

from collections.abc import Sequence
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from monitor.alerts.messages.incident import EvaluationSummary, detail_blocks
from monitor.rendering.mrkdwn import render_text
from monitor.rendering.task_types import select_task_types
from monitor.rendering.wording import describe_mix_change, mix_rows
from monitor.settings import Alerts
from monitor.store.windows.assessment import Assessment, OtherTaskTypes
from monitor.windows.comparison.task_mix import MAX_TASK_TYPES, mix_of
from monitor.windows.report.page import TASK_TYPES_SHOWN, render_page
from monitor.windows.report.terminal import print_assessment
from tests.support.windows.assessment_cases import WEEK
from tests.support.windows.assessments import estimated, make_assessment
from tests.unit.windows.test_task_mix import window

N_TYPES = 150


def mix(reference: Sequence[str], current: Sequence[str]):
    return mix_of(window(reference, 1), window(current, 2))


def uniform(n: int, seed: int) -> list[str]:
    draws = np.random.default_rng(seed).integers(N_TYPES, size=n)
    return [f"type {number:03}" for number in draws]


def assessed(reference: Sequence[str], current: Sequence[str], **values) -> Assessment:
    result = mix(reference, current)
    return make_assessment(
        mix_reference=result.reference,
        mix_current=result.current,
        mix_other=result.other,
        **values,
    )


def slack(assessment: Assessment) -> str:
    summary = EvaluationSummary(
        evaluation_id=1,
        window_start=WEEK[0],
        window_end=WEEK[1],
        assessment=assessment,
        baseline="b",
    )
    return render_text(detail_blocks(summary, "opened", Alerts()))


def terminal(assessment: Assessment) -> str:
    stream = StringIO()
    print_assessment(assessment, Console(file=stream, width=120))
    return stream.getvalue()


def test_both_sides_list_the_same_task_types() -> None:
    sides = uniform(9000, 1), uniform(9000, 2)
    result = mix(*sides)
    assert result.reference.keys() == result.current.keys()
    assert len(result.reference) == MAX_TASK_TYPES
    for name, share in result.reference.items():
        assert share == pytest.approx(sides[0].count(name) / 9000)
        assert result.current[name] == pytest.approx(sides[1].count(name) / 9000)
    assert min(result.current.values()) > 0.003, "a share of .66% on both sides is no 0%"
    assert result.other is not None
    assert result.other.n_task_types == N_TYPES - MAX_TASK_TYPES
    assert result.other.reference is not None
    assert result.other.current is not None
    for side, left in (
        (result.reference, result.other.reference),
        (result.current, result.other.current),
    ):
        assert sum(side.values()) + left == pytest.approx(1.0)


def test_vanished_and_large_task_types_are_both_listed() -> None:
    # 60 large types that stay, one of 1% that vanishes and a new one.
    large = [f"large {number:02}" for number in range(60) for _ in range(16)]
    result = mix([*large, *["gone"] * 10], [*large, *["new"] * 10])
    assert (result.reference["gone"], result.current["gone"]) == (10 / 970, 0.0)
    assert (result.reference["new"], result.current["new"]) == (0.0, 10 / 970)
    assert result.other is not None
    assert result.other.reference == result.other.current


def test_task_type_named_other_is_not_the_sum() -> None:
    many = [f"t{n}" for n in range(MAX_TASK_TYPES + 5)]
    result = mix([*many, *["(other)"] * 9], [*many, *["(other)"] * 9])
    assert result.current["(other)"] == pytest.approx(9 / (len(many) + 9))
    assert result.other is not None
    assert result.other.n_task_types == 6


def test_unknown_side_has_no_shares() -> None:
    result = mix([""] * 100, uniform(900, 1))
    assert result.reference == {}
    assert mix_of(None, window(["a", "b"], 1)).current == {"a": 0.5, "b": 0.5}
    rows = mix_rows(assessed([""] * 100, uniform(900, 1)), 10)
    assert {row.reference for row in rows} == {None}
    assert sum(row.current or 0.0 for row in rows) == pytest.approx(1.0)
    assert "task type" not in slack(assessed([""] * 100, ["cards"] * 100))


def test_selection_of_few_task_types_names_all() -> None:
    assert select_task_types({"b": 0.5, "a": 0.5}, {"a": 1.0}, 2) == ["a", "b"]
    assert select_task_types({}, {}, 3) == []


@pytest.mark.parametrize("limit", [5, TASK_TYPES_SHOWN, MAX_TASK_TYPES, 200])
def test_rows_add_up_to_all_traffic(limit: int) -> None:
    rows = mix_rows(assessed(uniform(9000, 1), uniform(9000, 2)), limit)
    assert sum(row.reference or 0.0 for row in rows) == pytest.approx(1.0)
    assert sum(row.current or 0.0 for row in rows) == pytest.approx(1.0)
    named = [row for row in rows if not row.n_others]
    assert len(named) == min(limit, MAX_TASK_TYPES)
    assert rows[-1].n_others == N_TYPES - len(named)


def test_page_and_terminal_count_the_other_task_types() -> None:
    assessment = assessed(uniform(9000, 1), uniform(9000, 2))
    for text in (render_page(assessment), terminal(assessment)):
        assert "other task types" in text
        assert "0.0%" not in text.split("other task types")[0].split("Task type")[-1]
    assert f"{N_TYPES - TASK_TYPES_SHOWN} other task types" in render_page(assessment)


def test_slack_names_a_change_of_the_other_task_types() -> None:
    many = [f"t{n:03}" for n in range(100)]
    message = slack(assessed([*many, *["cards"] * 900], [*many * 4, *["cards"] * 600]))
    assert "cards: 90% → 60%" in message
    assert "51 other task types: 5% → 20%" in message


def test_distance_without_significance_is_no_share_that_moved() -> None:
    quiet = make_assessment(mix_p_value=0.4, mix_effect_size=0.094, mix_moved_share=estimated(0.01))
    assert "9.4%" not in describe_mix_change(quiet)
    assert "level 0.05" in describe_mix_change(quiet)
    moved = make_assessment(mix_p_value=0.001, mix_effect_size=0.25, mix_moved_share=estimated(0.1))
    assert "10% (5% to 15%)" in describe_mix_change(moved)
    assert describe_mix_change(make_assessment(mix_effect_size=0.25)) == ""


def test_stored_assessments_without_the_sum_are_shown() -> None:
    old = make_assessment(mix_reference={"a": 0.7, "(other)": 0.3}, mix_current={"a": 1.0})
    assert [row.n_others for row in mix_rows(old, 5)] == [0, 0]
    assert OtherTaskTypes(n_task_types=1, reference=0.1, current=0.2).current == 0.2
