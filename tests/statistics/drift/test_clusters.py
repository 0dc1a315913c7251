"""Clusters: the tree of regions, Tarone's adjustment, and windows without drift."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from monitor.drift.clusters import find_clusters
from monitor.drift.neighbours.cells import fit_cells
from monitor.drift.regions import Regions, grow_regions
from monitor.drift.result import Cluster
from monitor.drift.samples.design import Layout, make_layout
from monitor.drift.samples.embeddings import check_vectors
from monitor.drift.samples.pool import make_pool
from monitor.statistics.multiplicity import tarone
from tests.statistics.trials import trials


def scattered(n: int, rng: np.random.Generator, d: int = 16) -> NDArray[np.float64]:
    points = rng.standard_normal((n, d))
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def laid_out(
    reference: NDArray[np.float64],
    current: NDArray[np.float64],
    rng: np.random.Generator,
    groups: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None] = (None, None),
) -> tuple[Layout, Regions]:
    sides = check_vectors(reference, "reference"), check_vectors(current, "current")
    layout = make_layout(make_pool(*sides, *groups), None)
    vectors = layout.pool.vectors
    cell = fit_cells(vectors, 40, rng).assign(vectors)
    return layout, grow_regions(vectors, cell, rng)


def clusters(
    reference: NDArray[np.float64],
    current: NDArray[np.float64],
    rng: np.random.Generator,
    groups: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None] = (None, None),
) -> tuple[Cluster, ...]:
    return find_clusters(*laid_out(reference, current, rng, groups))


def test_regions_are_a_binary_tree_over_the_leaves() -> None:
    rng = np.random.default_rng(0)
    _, regions = laid_out(scattered(400, rng), scattered(300, rng), rng)
    n_regions, n_leaves = regions.holds.shape
    assert n_regions == 2 * n_leaves - 1
    assert sorted(np.unique(regions.leaf)) == list(range(n_leaves))
    sets = [frozenset(regions.leaves(region).tolist()) for region in range(n_regions)]
    assert sets[-1] == frozenset(range(n_leaves))
    assert [set(cluster) for cluster in sets[:n_leaves]] == [{leaf} for leaf in range(n_leaves)]
    for cluster in sets:
        assert all(cluster <= other or other <= cluster or not cluster & other for other in sets)
    sizes = np.bincount(regions.leaf, minlength=n_leaves).astype(float)
    np.testing.assert_allclose(regions.sums(sizes)[-1], 700)


def test_single_point_is_one_region() -> None:
    same = np.tile(np.eye(4)[:1], (30, 1))
    _, regions = laid_out(same, same, np.random.default_rng(0))
    assert regions.holds.shape == (1, 1)
    assert not clusters(same, same, np.random.default_rng(0))


@given(st.lists(st.tuples(st.integers(1, 12), st.floats(0, 1)), min_size=1, max_size=12))
def test_tarone_divides_by_the_fewest_that_can_be_significant(
    tests: list[tuple[int, float]],
) -> None:
    attainable = np.array([0.5**size for size, _ in tests])
    p_values = np.maximum(attainable, [p for _, p in tests])
    k = next(k for k in range(1, 100) if (attainable <= 0.05 / k).sum() <= k)
    expected = [
        min(1.0, p * k) if least <= 0.05 / k else 1.0
        for p, least in zip(p_values, attainable, strict=True)
    ]
    np.testing.assert_allclose(tarone(p_values, attainable, 0.05), expected)


def test_a_new_topic_is_one_cluster_that_holds_it() -> None:
    rng = np.random.default_rng(1)
    centre = scattered(1, rng)
    topic = centre + 0.05 * rng.standard_normal((40, 16))
    topic /= np.linalg.norm(topic, axis=1, keepdims=True)
    current = np.concatenate([scattered(560, rng), topic])
    (cluster,) = clusters(scattered(600, rng), current, rng)
    assert set(range(560, 600)) <= set(cluster.members.tolist())
    assert cluster.size <= 60
    assert cluster.adjusted_p_value < 1e-6


def test_samples_far_from_a_topic_are_none_of_it() -> None:
    rng = np.random.default_rng(5)
    centre = scattered(1, rng)
    topic = centre + 0.05 * rng.standard_normal((60, 16))
    around = centre + 0.16 * rng.standard_normal((12, 16))
    inside = centre + 0.05 * rng.standard_normal((12, 16))
    current = np.concatenate([scattered(540, rng), topic])
    shares = []
    for before in (around, inside):
        reference = np.concatenate([scattered(588, rng), before])
        sides = (
            side / np.linalg.norm(side, axis=1, keepdims=True) for side in (reference, current)
        )
        shares.append(clusters(*sides, rng)[0].share_reference)
    assert shares[0] <= 0.004
    assert shares[1] == pytest.approx(0.02, abs=0.006)


def test_a_lost_topic_is_a_cluster_of_the_swapped_sides() -> None:
    rng = np.random.default_rng(6)
    topic = np.tile(scattered(1, rng), (60, 1)) + 0.05 * rng.standard_normal((60, 16))
    topic /= np.linalg.norm(topic, axis=1, keepdims=True)
    reference = np.concatenate([scattered(340, rng), topic])
    layout, regions = laid_out(reference, scattered(400, rng), rng)
    (cluster,) = find_clusters(layout.swap_sides(), regions)
    assert set(range(340, 400)) <= set(cluster.members.tolist())
    assert (cluster.share_current, cluster.share_reference) == (cluster.size / 400, 0.0)


@pytest.mark.slow
@trials(40, 150)
def test_without_drift_few_windows_have_any_cluster(n_trials: int) -> None:
    rng = np.random.default_rng(2)
    n_windows = sum(
        bool(clusters(scattered(300, rng), scattered(200, rng), rng)) for _ in range(n_trials)
    )
    assert n_windows <= stats.binom.ppf(0.999, n_trials, 0.05)


def test_repeated_messages_of_one_user_are_no_cluster() -> None:
    rng = np.random.default_rng(3)
    reference, current = scattered(300, rng), scattered(300, rng)
    current[:40] = current[0] + 0.01 * rng.standard_normal((40, 16))
    current /= np.linalg.norm(current, axis=1, keepdims=True)
    owners = np.arange(300)
    talker = np.where(owners < 40, 0, owners)
    assert clusters(reference, current, rng)
    assert not clusters(reference, current, rng, (owners + 1000, talker))


def test_samples_that_are_not_judged_are_members_only() -> None:
    rng = np.random.default_rng(4)
    topic = np.tile(scattered(1, rng), (60, 1)) + 0.05 * rng.standard_normal((60, 16))
    topic /= np.linalg.norm(topic, axis=1, keepdims=True)
    layout, regions = laid_out(
        scattered(400, rng), np.concatenate([scattered(340, rng), topic]), rng
    )
    rows = np.flatnonzero(~layout.pool.is_current | (layout.pool.origin % 2 == 0))
    comparable_pool = replace(layout.pool, vectors=layout.pool.vectors.part(rows))
    for name in ("is_current", "owner", "unit", "origin"):
        comparable_pool = replace(comparable_pool, **{name: getattr(layout.pool, name)[rows]})
    (cluster,) = find_clusters(replace(layout, comparable_pool=comparable_pool, rows=rows), regions)
    assert set(range(340, 400)) <= set(cluster.members.tolist())
    assert cluster.share_current == pytest.approx(cluster.size / 400)
