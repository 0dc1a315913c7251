"""Changes between responses, in the file, the terminal and Evidently; bars to scale."""

import re
from io import StringIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from monitor.alerts.messages.weekly_digest import ModelWeek, digest_message
from monitor.rendering.axes import round_up
from monitor.rendering.chart import describe_chart, drift_chart
from monitor.rendering.response_changes import format_descriptor_change
from monitor.settings import Alerts
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.map_points import DELETED, PromptMap
from monitor.store.windows.prompt_maps import pack_prompt_map, unpack_prompt_map
from monitor.windows.report.change_drawing import draw_changes
from monitor.windows.report.evidently_content import content_of
from monitor.windows.report.figures import (
    MIN_EXTENT,
    WHISKER_WIDTH,
    change_axes,
    share_axis,
)
from monitor.windows.report.page import render_page
from monitor.windows.report.terminal import print_assessment
from tests.support.windows.assessment_cases import WEEK, input_drift, output_shift
from tests.support.windows.assessments import (
    HOSTILE,
    make_assessment,
    make_descriptor_change,
    make_family,
    make_growth,
    make_pair,
    make_topic,
)
from tests.support.windows.window_figures import make_windows


def place(change: list[float]) -> PromptMap:
    n = len(change)
    return PromptMap(
        current_ids=np.full(n, DELETED),
        current=np.linspace(0, 1, 2 * n, dtype=np.float32).reshape(n, 2),
        topic=np.full(n, -1),
        reference_ids=np.full(3, DELETED),
        reference=np.zeros((3, 2), dtype=np.float32),
        change=np.array(change, dtype=np.float32),
    )


def printed(assessment: Assessment) -> str:
    written = StringIO()
    print_assessment(assessment, Console(file=written, width=200, force_terminal=False))
    return written.getvalue()


def test_page_terminal_and_evidently_agree() -> None:
    assessment = output_shift()
    page, terminal = render_page(assessment), printed(assessment)
    figures = {(figure.of, figure.name): figure.value for figure in content_of(assessment).figures}
    for change in assessment.output.descriptors:
        assert format_descriptor_change(change) in page
        of = f"response given the prompt: {change.name}"
        assert (change.change, change.lower, change.upper) == tuple(
            figures[of, name] for name in ("change", "change, lower", "change, upper")
        )
    for pair in assessment.output.pairs:
        assert pair.example.baseline is not None
        for text in (pair.example.response, pair.example.baseline.response):
            assert text in page.replace("&#39;", "'")
            assert text in terminal


def test_responses_that_did_not_change_show_nothing() -> None:
    for assessment in (input_drift(), make_assessment(output=make_family("output"))):
        assert "What changed between the responses" not in render_page(assessment)
        assert draw_changes(place([0.5]), assessment) is None


def test_pairs_are_escaped() -> None:
    example = make_pair(descriptor=HOSTILE)
    output = make_family("output", verdict="drift", alarm=True, pairs=(example,))
    page = render_page(make_assessment(verdict="drift", alarm=True, output=output))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_each_unit_has_an_axis_with_its_changes_to_scale() -> None:
    changes = [
        make_descriptor_change(change=-0.2, lower=-0.4, upper=-0.1),
        make_descriptor_change(name="refusal", unit="points", change=0.05, lower=0.0, upper=0.1),
    ]
    first, second = change_axes(changes)
    assert [(axis.unit, axis.reach) for axis in (first, second)] == [
        ("percent", 0.5),
        ("points", 0.1),
    ]
    middle, half = WHISKER_WIDTH / 2, WHISKER_WIDTH / 2 - 5.0
    ((_, drawn),) = first.rows
    assert drawn.dot == pytest.approx(middle - half * 0.4, abs=0.1)
    assert drawn.lower == pytest.approx(middle - half * 0.8, abs=0.1)
    ((_, drawn),) = second.rows
    assert (drawn.lower, drawn.upper) == (middle, pytest.approx(middle + half, abs=0.1))


def test_a_small_change_has_an_axis_of_its_own_size() -> None:
    """An interval of 1% to 3% was a dot beside one of 180% to 260%."""
    extents = {"length": (2.2, 1.8, 2.6), "words": (2.0, 1.0, 3.0), "lines": (0.02, 0.01, 0.03),
               "marks": (-0.04, -0.05, -0.01), "empty": (0.0, 0.0, 0.0)}  # fmt: skip
    changes = [
        make_descriptor_change(name=name, change=change, lower=lower, upper=upper)
        for name, (change, lower, upper) in extents.items()
    ]
    large, small = change_axes(changes)
    assert [(axis.reach, [change.name for change, _ in axis.rows]) for axis in (large, small)] == [
        (5.0, ["length", "words"]),
        (0.05, ["lines", "marks", "empty"]),
    ]
    half = WHISKER_WIDTH / 2 - 5.0
    for axis in (large, small):
        for change, drawn in axis.rows:
            assert drawn.lower is not None
            assert drawn.upper is not None
            assert drawn.upper - drawn.lower == pytest.approx(
                half * (change.upper - change.lower) / axis.reach, abs=0.15
            )
    page = render_page(
        make_assessment(
            output=make_family("output", verdict="drift", alarm=True, descriptors=tuple(changes))
        )
    )
    for end in ("500%", "5%"):
        assert f"\N{MINUS SIGN}{end} to +{end}" in page


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12))
def test_every_change_is_on_one_axis_that_holds_it(values: list[float]) -> None:
    changes = [
        make_descriptor_change(name=str(at), change=value, lower=value - 0.01, upper=value + 0.01)
        for at, value in enumerate(values)
    ]
    axes = change_axes(changes)
    assert sorted(str(at) for at in range(len(values))) == sorted(
        change.name for axis in axes for change, _ in axis.rows
    )
    for axis in axes:
        assert axis.rows
        ends = [max(abs(change.lower), abs(change.upper)) for change, _ in axis.rows]
        assert max(ends) <= axis.reach
        assert MIN_EXTENT * axis.reach <= min(ends) + 1e-9


def test_the_map_of_changes_has_each_dot_once() -> None:
    drawn = draw_changes(place([0.0, 0.19, 0.2, 0.5, 0.99, 1.0, float("nan")]), output_shift())
    assert drawn is not None
    assert {entry.number: entry.points for entry in drawn.classes} == {
        0: (6,),
        1: (0, 1),
        2: (2,),
        3: (3,),
        4: (),
        5: (4, 5),
    }
    assert [len(entry.points) for entry in drawn.classes] == [
        entry.path.count("h0") for entry in drawn.classes
    ]


def test_the_map_of_changes_takes_the_place_of_the_prompts() -> None:
    page = render_page(output_shift(), prompt_map=place([0.1, 0.9]))
    assert "Map of the prompts" not in page
    assert page.count('class="map changes"') == 1
    both = make_assessment(0.3, output=output_shift().output)
    page = render_page(both, prompt_map=place([0.1, 0.9]))
    assert "Map of the prompts" in page
    assert page.count('class="map changes"') == 1


def test_a_map_keeps_its_changes_and_older_maps_have_none() -> None:
    placed = place([0.25, float("nan")])
    stored = unpack_prompt_map(pack_prompt_map(placed))
    assert stored.change is not None
    assert placed.change is not None
    assert np.array_equal(stored.change, placed.change, equal_nan=True)
    older = PromptMap(*(getattr(placed, name) for name in (
        "current_ids", "current", "topic", "reference_ids", "reference"
    )))  # fmt: skip
    assert unpack_prompt_map(pack_prompt_map(older)).change is None
    assert draw_changes(older, output_shift()) is None
    assert placed.anonymize().change is placed.change
    left = placed.exclude([DELETED])
    assert left.change is not None
    assert len(left.change) == 0


def widths_of(page: str, kind: str) -> list[float]:
    widths = re.findall(rf'<rect class="{kind}" y="\d" height="6" width="([\d.]+)"', page)
    return [float(width) for width in widths]


@pytest.mark.parametrize("share", [0.015, 0.15, 0.0])
def test_bars_of_topics_share_a_stated_axis(share: float) -> None:
    """A topic of 1.5% beside one of 60% had a bar of the full width."""
    topics = (
        make_topic(share_current=0.6, share_reference=0.3),
        make_topic(index=1, name="small", share_current=share, share_reference=0.003),
    )
    family = make_family(verdict="drift", alarm=True, topics=topics)
    page = render_page(make_assessment(0.6, input=family))
    assert page.count("Bars: 0 to 100%") == 2
    assert [60.0, 100 * share] == pytest.approx(widths_of(page, "now"))
    assert pytest.approx(widths_of(page, "before")) == [30.0, 0.3]


def test_bars_of_task_types_share_a_stated_axis() -> None:
    mix: dict[str, Any] = {
        "mix_reference": {"cards": 0.185, "fees": 0.015, "loans": 0.12},
        "mix_current": {"cards": 0.1, "fees": 0.02, "loans": 0.0},
    }
    page = render_page(make_assessment(**mix))
    assert "window</span>: 0 to 20%" in page
    shares = sorted(mix["mix_current"].values())
    assert [100 * share / 0.2 for share in shares] == pytest.approx(sorted(widths_of(page, "now")))


def test_growth_of_all_topics_has_one_axis() -> None:
    topics = (
        make_topic(share_reference=0.0, growth=make_growth(0.1, 0.4)),
        make_topic(index=1, name="small", share_reference=0.0, growth=make_growth(0.0, 0.04)),
    )
    family = make_family(verdict="drift", alarm=True, topics=topics)
    page = render_page(make_assessment(0.6, input=family))
    assert page.count("Height of the chart: 0 to 50%") == 2
    heights = [float(height) for height in re.findall(r'height="([\d.]+)"><title>', page)]
    assert heights == [8.0, 32.0, 0.0, 3.2]


@pytest.mark.parametrize(
    ("value", "end"), [(0.0, 1.0), (0.1, 0.1), (0.11, 0.2), (0.3, 0.5), (0.51, 1.0), (7.0, 10.0)]
)
def test_axes_end_at_round_numbers(value: float, end: float) -> None:
    assert end == round_up(value)
    assert min(1.0, end) == share_axis([value, None, 0.0])


def test_bars_of_messages_state_their_full_height() -> None:
    weeks = [
        ModelWeek(name=name, verdict="drift", text="", shares=shares)
        for name, shares in (("large", (0.0, 0.4)), ("small", (0.0, 0.015)))
    ]
    text = str(digest_message(weeks, [], [], Alerts()))
    assert "full height: 40%" in text
    assert "▁█" in text
    assert "▁▁" in text, "a share of 1.5% is no full bar"
    (block,) = drift_chart(make_windows(WEEK[0], *(make_assessment(0.12) for _ in range(3))))
    assert "full height: 12%" in describe_chart(block)
