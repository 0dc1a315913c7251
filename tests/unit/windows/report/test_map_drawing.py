"""Drawing of the prompt map: numbered dots, readable labels."""

import re
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.store.windows.assessment import Assessment
from monitor.store.windows.map_points import DELETED, PromptMap
from monitor.windows.report.label_placement import HEIGHT as LABEL_HEIGHT
from monitor.windows.report.label_placement import Box, place_label, text_width
from monitor.windows.report.map_drawing import (
    HEIGHT,
    MARGIN,
    MAX_STRETCH,
    N_COLOURS,
    N_LABELS,
    WIDTH,
    draw,
    into_frame,
)
from monitor.windows.report.page import render_map, render_page
from tests.support.windows.assessments import HOSTILE, make_assessment, make_family, make_topic


def with_topics(n: int, *, n_responses: int = 0, name: str = "topic, number") -> Assessment:
    topics = [
        make_topic(index=at, name=f"{name} {at}", n_current=100 - at)
        for at in range(n + n_responses)
    ]
    return make_assessment(
        0.2,
        input=make_family(verdict="drift", alarm=True, topics=tuple(topics[:n])),
        output=make_family("output", verdict="drift", topics=tuple(topics[n:])),
    )


def place_topics(n: int, *, each: int = 12, n_other: int = 100, seed: int = 1) -> PromptMap:
    rng = np.random.default_rng(seed)
    centres = np.repeat(rng.random((n, 2)), each, axis=0)
    drifted = np.clip(centres + rng.normal(0, 0.01, centres.shape), 0, 1)
    current = np.concatenate([drifted, rng.random((n_other, 2))]).astype(np.float32)
    return PromptMap(
        current_ids=np.full(len(current), DELETED),
        current=current,
        topic=np.array([*np.repeat(np.arange(n), each), *[-1] * n_other]),
        reference_ids=np.full(80, DELETED),
        reference=rng.random((80, 2)).astype(np.float32),
    )


def dots_of(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"M([\d.-]+) ([\d.-]+)h0", path)]


@pytest.mark.parametrize("n", [1, 3, N_COLOURS, N_LABELS, 40])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_labels_neither_overlap_nor_leave_the_frame(n: int, seed: int) -> None:
    drawn = draw(place_topics(n, seed=seed), with_topics(n))
    boxes = [topic.box for topic in drawn.topics if topic.box is not None]
    assert min(n, N_LABELS) == len(boxes)
    for box in boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= WIDTH
        assert box.y + box.height <= HEIGHT
    for combination, other in combinations(boxes, 2):
        assert not combination.overlaps(other, room=0.0)


def test_topics_at_one_place_are_labelled_apart() -> None:
    placed = place_topics(6)
    heap = PromptMap(
        placed.current_ids,
        np.full_like(placed.current, 0.5),
        placed.topic,
        placed.reference_ids,
        placed.reference,
    )
    boxes = [
        with_topic.box
        for with_topic in draw(heap, with_topics(6)).topics
        if with_topic.box is not None
    ]
    assert len(boxes) == 6
    assert not any(
        combination.overlaps(other, room=0.0) for combination, other in combinations(boxes, 2)
    )


def test_dots_are_numbered_as_on_the_map() -> None:
    placed = place_topics(3)
    drawn = draw(placed, with_topics(2, n_responses=1))
    places = into_frame(np.concatenate([placed.current, placed.reference]))
    kinds = [drawn.reference, drawn.ordinary, *(topic.dots for topic in drawn.topics)]
    result = {}
    for dots in kinds:
        for at, place in enumerate(dots_of(dots.path)):
            result[dots.first + at] = place
    assert len(places) == len(result)
    for number, place in result.items():
        assert place == pytest.approx(tuple(places[number]), abs=0.051)
    assert [topic.family for topic in drawn.topics] == ["input", "input", "output"]
    assert drawn.n_drifted == 36


def test_the_largest_topics_have_colours_of_their_own() -> None:
    drawn = draw(place_topics(9), with_topics(9))
    colours = [topic.colour for topic in drawn.topics]
    assert [*map(str, range(1, N_COLOURS + 1)), "rest", "rest", "rest"] == colours
    assert [*range(1, 10)] == [topic.number for topic in drawn.topics]


def test_topic_without_dots_is_still_listed() -> None:
    drawn = draw(place_topics(2), with_topics(3))
    assert drawn.topics[2].dots.n == 0
    assert drawn.topics[2].box is None
    assert "topic, number 2" in render_map(drawn, None)


def test_map_without_drift_names_no_topics() -> None:
    page = render_map(draw(place_topics(0), make_assessment()), None)
    assert "No drifted topics" in page
    assert "data-topic" not in page


@given(
    st.lists(
        st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)), min_size=1, max_size=30
    )
)
@settings(deadline=None, max_examples=50)
def test_places_stay_in_the_frame(points: list[tuple[float, float]]) -> None:
    placed = into_frame(np.array(points, dtype=np.float32))
    assert (placed >= MARGIN - 1e-3).all()
    assert (placed[:, 0] <= WIDTH - MARGIN + 1e-3).all()
    assert (placed[:, 1] <= HEIGHT - MARGIN + 1e-3).all()


def test_no_axis_is_stretched_much_more_than_the_other() -> None:
    line = np.column_stack([np.linspace(0, 1, 20), np.linspace(0, 0.01, 20)])
    placed = into_frame(line.astype(np.float32))
    across, down = np.ptp(placed, axis=0)
    assert across == pytest.approx(WIDTH - 2 * MARGIN)
    assert down == pytest.approx(0.01 * MAX_STRETCH * across, rel=1e-3)


def test_frame_of_no_points_is_empty() -> None:
    assert into_frame(np.empty((0, 2), dtype=np.float32)).shape == (0, 2)


def test_a_label_goes_where_few_dots_are() -> None:
    crowd = np.column_stack([np.linspace(310, 500, 60), np.full(60, 200.0)])
    box = place_label(
        "refund",
        (300.0, 200.0),
        taken=[],
        other_anchors=[],
        dots=((crowd, 1.0),),
        frame=(WIDTH, HEIGHT),
    )
    covered = (
        (crowd[:, 0] > box.x)
        & (crowd[:, 0] < box.x + box.width)
        & (crowd[:, 1] > box.y)
        & (crowd[:, 1] < box.y + box.height)
    )
    assert covered.sum() == 0
    near = abs(box.y + LABEL_HEIGHT / 2 - 200), abs(box.x + box.width / 2 - 300)
    assert near[0] < 60
    assert near[1] < box.width


def test_wide_scripts_need_room() -> None:
    assert text_width("日本語") > 1.5 * text_width("abc")
    assert Box(0, 0, 10, 10, (0, 0)).overlaps(Box(12, 0, 10, 10, (0, 0)))
    assert not Box(0, 0, 10, 10, (0, 0)).overlaps(Box(14, 0, 10, 10, (0, 0)))


def test_names_of_topics_are_escaped() -> None:
    page = render_map(draw(place_topics(2), with_topics(2, name=HOSTILE)), 0)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert 'aria-current="true"' in page


def test_a_file_has_the_map_without_links() -> None:
    placed = place_topics(4)
    page = render_page(with_topics(4), prompt_map=placed)
    assert page.count('<g class="label') == 4
    assert "?topic=" not in page
    assert "--topic-1" in page
    assert "How do I move my crypto wallet?" in page
    assert "--topic-1" not in render_page(with_topics(4))
