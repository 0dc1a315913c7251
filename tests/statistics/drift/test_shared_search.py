"""Work shared between the tests of a window changes no figure."""

import numpy as np
import pytest

from monitor.drift import compare
from monitor.drift.input.graph import Graph
from monitor.drift.input.scan import PLACE_SIZES, Scan, likelihood_ratios
from monitor.drift.neighbours import pool_search
from monitor.drift.neighbours.exact import Neighbours
from monitor.drift.samples import embeddings
from monitor.drift.samples.embeddings import check_vectors


def windows(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((2 * n, 16))
    points[n : n + n // 10] += 1.5
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points[:n].astype(np.float16), points[n:].astype(np.float16)


@pytest.mark.slow
@pytest.mark.parametrize("n", [400, 2200], ids=["exact", "by_cells"])
def test_comparison_with_kept_neighbours_is_the_same(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = windows(1, n)
    results = []
    for limit in (pool_search.KEPT_SAMPLES, 0):
        monkeypatch.setattr(pool_search, "KEPT_SAMPLES", limit)
        results.append(compare(*sides, rng=np.random.default_rng(0), n_permutations=199))
    shared, separate = results
    assert shared.p_value == separate.p_value
    np.testing.assert_allclose(shared.novelty, separate.novelty, atol=1e-6)
    np.testing.assert_allclose(shared.drifted_share, separate.drifted_share, atol=1e-9)


def test_converted_rows_are_those_of_a_conversion_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = windows(2, 300)
    converted = check_vectors(first, "x")
    monkeypatch.setattr(embeddings, "CONVERTED_ROWS", 0)
    plain = [check_vectors(side, "x") for side in (first, second)]
    rows = np.random.default_rng(0).permutation(600)
    np.testing.assert_array_equal(converted[:], plain[0][:])
    mixed = converted.stack(plain[1]).part(rows)
    np.testing.assert_array_equal(mixed[:], plain[0].stack(plain[1]).part(rows)[:])


def test_scan_adds_the_ratios_of_both_sizes() -> None:
    rng = np.random.default_rng(3)
    near = np.array([rng.permutation(60)[:32] for _ in range(60)])
    graph = Graph(Neighbours(near, np.ones((60, 32), np.float32)))
    is_current = rng.random(60) < 0.4
    scan = Scan(graph.neighbours.index, np.arange(60), 0.4)
    (ratios,), _ = scan.true_scores(is_current)
    expected = np.zeros(60)
    for size in PLACE_SIZES:
        count = is_current + is_current[near[:, :size]].sum(axis=1)
        expected += likelihood_ratios(size + 1, 0.4)[count] / len(PLACE_SIZES)
    np.testing.assert_array_equal(ratios, expected)


def test_clusters_are_searched_up_to_the_given_level_only() -> None:
    sides = windows(4, 400)
    for cluster_alpha, is_located in ((1.0, True), (1e-9, False)):
        result = compare(
            *sides,
            rng=np.random.default_rng(0),
            n_permutations=199,
            cluster_alpha=cluster_alpha,
        )
        assert bool(result.clusters) == is_located
        assert result.novelty.any()
