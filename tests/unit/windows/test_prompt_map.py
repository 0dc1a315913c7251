"""Prompt map of a window: selection, layout and stored data."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.drift.layout import lay_out
from monitor.store.windows.map_points import DELETED, PromptMap
from monitor.store.windows.prompt_maps import pack_prompt_map
from monitor.windows.prompt_map.sampling import MAX_DRIFTED, MAX_POINTS, draw_map


def corners(n_each: int, n_corners: int, seed: int = 1) -> NDArray[np.float32]:
    """Return unit vectors near corners of the space, one corner after the other."""
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 0.1, (n_each * n_corners, 32))
    points[np.arange(len(points)), np.repeat(np.arange(n_corners), n_each)] += 1.0
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def some(n: int, seed: int = 1) -> NDArray[np.float32]:
    points = np.random.default_rng(seed).normal(size=(n, 8))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def test_similar_points_lie_together() -> None:
    places = lay_out(corners(60, 6), np.random.default_rng(2))
    own = np.repeat(np.arange(6), 60)
    centres = np.array([places[own == entry].mean(axis=0) for entry in range(6)])
    nearest = np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == own).mean() > 0.98


def test_a_layout_fills_the_unit_square() -> None:
    places = lay_out(corners(40, 3), np.random.default_rng(2))
    assert (places >= 0).all()
    assert (places <= 1).all()
    assert np.ptp(places, axis=0).max() == pytest.approx(1.0)
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    assert middle == pytest.approx([0.5, 0.5])


def test_the_same_generator_gives_the_same_places() -> None:
    points = corners(30, 4)
    first, again = (lay_out(points, np.random.default_rng(7)) for _ in range(2))
    assert (first == again).all()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
def test_few_points_have_places_too(n: int) -> None:
    places = lay_out(some(n), np.random.default_rng(0))
    assert places.shape == (n, 2)
    assert np.isfinite(places).all()
    assert len({tuple(place) for place in places.tolist()}) == n


def test_copies_of_one_text_have_places() -> None:
    same = np.repeat(some(1), 50, axis=0)
    assert np.isfinite(lay_out(same, np.random.default_rng(0))).all()


@pytest.mark.slow
def test_a_large_window_is_sampled_with_drifted_prompts_first() -> None:
    reference, current = some(3_000, 1), some(4_000, 2)
    topic = np.full(4_000, -1)
    topic[::10] = np.arange(400) % 3
    drawn = draw_map(
        reference,
        current,
        topic,
        np.random.default_rng(3),
        reference_ids=np.arange(3_000) + 10_000,
        current_ids=np.arange(4_000) + 20_000,
    )
    assert drawn is not None
    assert len(drawn.current) + len(drawn.reference) == MAX_POINTS
    assert (drawn.topic >= 0).sum() == 400
    assert 800 == (drawn.topic < 0).sum() == len(drawn.reference)
    assert (drawn.topic == topic[drawn.current_ids - 20_000]).all()
    assert set(drawn.reference_ids.tolist()) <= set(range(10_000, 13_000))
    # The dots of a topic are a run, so that the page can number them.
    changes = np.flatnonzero(np.diff(drawn.topic)) + 1
    assert [int(drawn.topic[at]) for at in (0, *changes)] == [0, 1, 2, -1]


@pytest.mark.slow
def test_a_wholly_drifted_window_leaves_room_for_the_baseline() -> None:
    drawn = draw_map(
        some(3_000, 1), some(3_000, 2), np.zeros(3_000, dtype=np.int64), np.random.default_rng(3)
    )
    assert drawn is not None
    assert len(drawn.current) == MAX_DRIFTED
    assert len(drawn.reference) == MAX_POINTS - MAX_DRIFTED
    assert (drawn.current_ids == DELETED).all()


def test_a_small_window_is_drawn_whole() -> None:
    topic = np.array([-1] * 30 + [0] * 10)
    drawn = draw_map(some(50, 1), some(40, 2), topic, np.random.default_rng(3))
    assert drawn is not None
    assert (len(drawn.current), len(drawn.reference)) == (40, 50)


def test_a_side_without_prompts_has_no_map() -> None:
    nothing = np.empty((0, 8), dtype=np.float32)
    topics = np.empty(0, dtype=np.int64)
    assert draw_map(some(5), nothing, topics, np.random.default_rng(0)) is None
    assert draw_map(nothing, some(5), np.full(5, -1), np.random.default_rng(0)) is None


@pytest.fixture
def placed() -> PromptMap:
    return PromptMap(
        current_ids=np.array([5, 6, 7]),
        current=np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], dtype=np.float32),
        topic=np.array([0, 1, -1]),
        reference_ids=np.array([1, 2]),
        reference=np.array([[0.7, 0.8], [0.9, 1.0]], dtype=np.float32),
    )


def test_erased_exchange_leaves_no_point(placed: PromptMap) -> None:
    assert placed.count([6, 2, 99]) == 2
    left = placed.exclude([6, 2])
    assert left.current_ids.tolist() == [5, 7]
    assert left.topic.tolist() == [0, -1]
    assert left.current[1] == pytest.approx([0.5, 0.6])
    assert left.reference_ids.tolist() == [1]


def test_an_old_map_names_no_exchange(placed: PromptMap) -> None:
    old = placed.anonymize()
    assert {DELETED} == {*old.current_ids.tolist(), *old.reference_ids.tolist()}
    assert (old.current == placed.current).all()
    with np.load(io.BytesIO(pack_prompt_map(old))) as arrays:
        assert arrays["topic"].tolist() == [0, 1, -1]
