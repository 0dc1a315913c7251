"""Sums of sketches, and the graph's statistics against brute force."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import DriftResult, compare
from monitor.drift.device import NumpyArrays, resolve_device
from monitor.drift.input.component_tests import compute_components
from monitor.drift.input.emptiness import make_emptiness, surprise
from monitor.drift.input.graph import build_graph, diffusion_gram
from monitor.drift.input.scan import PLACE_SIZES, make_scan
from monitor.drift.permutation.bins import deal_bins
from monitor.drift.permutation.contrasts import Linear, Quadratic
from monitor.drift.permutation.feature_map import fit_feature_map
from monitor.drift.permutation.fusion import ComponentStatistics, fuse
from monitor.drift.permutation.labels import label_chunks
from monitor.drift.permutation.sketch import Sketch, make_sketch
from monitor.drift.samples.units import content_keys, small_bin, unit_keys
from tests.statistics.trials import trials


def unit_vectors(n: int, rng: np.random.Generator, width: int = 8) -> NDArray[np.float32]:
    points = rng.standard_normal((n, width)).astype(np.float32)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def users(n: int, prefix: str, vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    return unit_keys([f"{prefix}{i // 2}" for i in range(n)], vectors, "groups", salt=0)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=4), st.integers(0, 5))
def test_a_window_is_the_sum_of_its_parts(cuts: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, current = unit_vectors(400, rng), unit_vectors(400, rng)
    keys, current_keys = users(400, "r", reference), users(400, "c", current)
    features = fit_feature_map(reference, keys, rng)
    bounds = [0, *sorted(cuts), 400]
    parts = [make_sketch(features, current[a:b], current_keys[a:b]) for a, b in pairwise(bounds)]
    total = parts[0]
    for part in parts[1:]:
        total = part + total
    whole = make_sketch(features, current, current_keys)
    np.testing.assert_allclose(total.sums, whole.sums, atol=1e-3)
    np.testing.assert_array_equal(total.counts, whole.counts)
    np.testing.assert_array_equal(total.unit_sizes, whole.unit_sizes)
    np.testing.assert_array_equal(total.nodes.priority, whole.nodes.priority)
    base = make_sketch(features, reference, keys)

    def test(sketch: Sketch) -> ComponentStatistics:
        drawn = np.random.default_rng(1)
        bins = deal_bins(base, sketch, drawn)
        return compute_components(
            features, base, sketch, bins, n_permutations=49, rng=drawn, draws=drawn
        )

    np.testing.assert_allclose(test(total).statistics, test(whole).statistics, atol=1e-5)


def test_bins_keep_units_whole_and_sides_balanced() -> None:
    rng = np.random.default_rng(0)
    few, many = unit_vectors(600, rng), unit_vectors(6000, rng)
    sketches = [
        make_sketch(fit_feature_map(many, users(6000, "m", many), rng), v, users(len(v), name, v))
        for v, name in ((many, "m"), (few, "f"))
    ]
    bins = deal_bins(sketches[0], sketches[1], rng)
    counts = bins.total(sketches[0].counts, sketches[1].counts)
    sizes = [counts[bins.is_current == side].mean() for side in (False, True)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)
    # Labels are permuted within a half, and a half's units stay in it.
    for row in bins.bin_of_small_bin:
        used = row >= 0
        assert (bins.half[row[used]] == (np.arange(len(row)) % 2)[used]).all()
    (labels,) = list(label_chunks(bins.is_current, bins.half, 30, rng))[1:]
    for half in (0, 1):
        inside = bins.half == half
        assert (labels[:, inside].sum(axis=1) == bins.is_current[inside].sum()).all()


def test_emptiness_is_brute_force() -> None:
    rng = np.random.default_rng(2)
    points = unit_vectors(120, rng)
    owner = np.arange(120) // 2
    node_bin = rng.integers(0, 30, 120)
    graph = build_graph(points, owner, rng, None)
    emptiness = make_emptiness(graph, node_bin, np.bincount(node_bin, minlength=30) * 1.0, 0.5)
    labels = rng.random((7, 30)) < 0.5
    scores = emptiness.evaluate(labels, NumpyArrays())
    distance = 1.0 - points @ points.T
    distance[owner[:, None] == owner] = np.inf
    for row, called in enumerate(labels):
        current = called[node_bin]
        runs = []
        for node in np.flatnonzero(current):
            order = np.argsort(distance[node], kind="stable")[: graph.distance.shape[1]]
            runs.append((node, int((~current[order]).argmax())))
        own, counted = emptiness.true_scores(called)
        assert (counted == current).all()
        for number in range(2):
            expected = [emptiness.scores[number, node, run] for node, run in runs]
            np.testing.assert_allclose(scores[row, number], np.mean(expected))
            np.testing.assert_allclose(own[number, current], expected)


def test_surprise_is_the_survival_of_the_nearest_reference_distance() -> None:
    rng = np.random.default_rng(3)
    graph = build_graph(unit_vectors(400, rng), np.arange(400), rng, None)
    expected = surprise(graph, 0.4)
    draws, rng = [], np.random.default_rng(4)
    for _ in range(60):
        current = rng.random(400) < 0.4
        rank = (~current[graph.neighbours.index]).argmax(axis=1)
        draws.append(expected[np.arange(400), rank])
    # Under random labels the survival is uniform, so its negative logarithm has mean 1.
    assert np.mean(draws) == pytest.approx(1.0, abs=0.05)


def test_the_scan_is_brute_force() -> None:
    rng = np.random.default_rng(6)
    points = unit_vectors(90, rng)
    node_bin = rng.integers(0, 30, 90)
    graph = build_graph(points, np.arange(90), rng, None)
    scan = make_scan(graph, node_bin, 0.4)
    labels = rng.random((5, 30)) < 0.4
    scores = scan.evaluate(labels, NumpyArrays())
    cosine = points @ points.T
    for row, called in enumerate(labels):
        current = called[node_bin]
        ratios = []
        for size in PLACE_SIZES:
            for node in range(90):
                place = np.argsort(-cosine[node], kind="stable")[: size + 1]  # itself among them
                n, c = size + 1, int(current[place].sum())
                best = stats.binom.pmf(c, n, c / n) if c > 0.4 * n else stats.binom.pmf(c, n, 0.4)
                ratios.append(best / stats.binom.pmf(c, n, 0.4))
        np.testing.assert_allclose(scores[row, 0], np.mean(ratios))
        own, counted = scan.true_scores(called)
        assert counted.all()
        np.testing.assert_allclose(own.mean(), np.mean(ratios))


def test_diffusion_is_the_walk_of_two_steps() -> None:
    rng = np.random.default_rng(5)
    points = unit_vectors(60, rng)
    graph = build_graph(points, np.arange(60), rng, None)
    links = np.eye(60)
    np.put_along_axis(links, graph.neighbours.index, 1.0, axis=1)
    links = (links + links.T) / 2
    walk = links / links.sum(axis=1, keepdims=True)
    node_bin = np.arange(60) % 12
    spread = walk @ walk @ np.eye(12)[node_bin]
    np.testing.assert_allclose(
        diffusion_gram(graph, node_bin, 12, None), spread.T @ spread, atol=1e-4
    )


def test_statistics_of_contrasts_are_differences_of_means() -> None:
    rng = np.random.default_rng(6)
    values, where = rng.standard_normal(200), np.arange(200) % 20
    sums, counts = np.bincount(where, weights=values), np.bincount(where).astype(np.float64)
    is_current = np.arange(20) < 8
    gap = values[is_current[where]].mean() - values[~is_current[where]].mean()
    labels = is_current[None].astype(np.float32)
    linear = Linear("a", "a", sums[:, None], counts, scale=2.0)
    np.testing.assert_allclose(linear.evaluate(labels), gap)
    effect, lower, upper = linear.effect(is_current, np.zeros(1))
    assert effect == pytest.approx(gap / 2)
    # The jackknife's error is near the textbook's for a difference of two means.
    error = np.sqrt(values[is_current[where]].var() / 80 + values[~is_current[where]].var() / 120)
    assert (upper - lower) / 2 == pytest.approx(1.96 * error / 2, rel=0.4)
    quadratic = Quadratic("b", "b", np.outer(sums, sums), counts, scale=1.0)
    np.testing.assert_allclose(quadratic.evaluate(labels), gap**2)


def test_keys_depend_on_content_and_count_not_on_order() -> None:
    rng = np.random.default_rng(7)
    points = unit_vectors(50, rng)
    points[10:13] = points[9]
    order = rng.permutation(50)
    assert len(np.unique(content_keys(points))) == 50
    assert set(content_keys(points)) == set(content_keys(points[order]))
    assert not set(content_keys(points, 1)) & set(content_keys(points, 2))
    keys = unit_keys(["a", "a", None, "", 7] * 10, points, "groups", salt=3)
    assert len(np.unique(keys)) == 22
    assert set(np.unique(small_bin(keys)) % 2) == {0, 1}


def test_correlated_tests_of_a_family_share_one_weight() -> None:
    rng = np.random.default_rng(8)
    noise, signal = rng.standard_normal((2, 999))
    noise[0], signal[0] = 0.0, 2.4
    copies = np.column_stack([noise] * 6 + [signal])
    even = {"a": 0.5, "b": 0.5}
    together = fuse(copies, ("a",) * 6 + ("b",), even)[0]
    pair = fuse(copies[:, -2:], ("a", "b"), even)[0]
    assert together == pytest.approx(pair, abs=0.003)
    assert together < fuse(copies)[0] - 0.003


def test_week_as_sum_of_days_gives_equal_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("input.compare", "permutation.sketch", "input.nodes"):
        monkeypatch.setattr(f"monitor.drift.{module}.MAXIMUM_NODES", 200)
    rng = np.random.default_rng(9)
    reference, current = unit_vectors(300, rng), unit_vectors(300, rng)
    groups = np.arange(300) // 2
    days = rng.integers(7, size=300)

    def result(parts: NDArray[np.int64] | None) -> DriftResult:
        return compare(
            reference,
            current,
            reference_groups=groups,
            current_groups=groups + 1000,
            current_parts=parts,
            rng=np.random.default_rng(1),
            n_permutations=199,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )

    whole, summed = result(None), result(days)
    assert whole.p_value == summed.p_value
    for first, other in zip(whole.tests, summed.tests, strict=True):
        assert first.statistic == pytest.approx(other.statistic)
    with pytest.raises(ValueError, match="one integer for each of 300 samples"):
        result(days[:299])


@pytest.mark.slow
@trials(5, 40)
def test_large_windows_are_tested_on_all_samples(
    monkeypatch: pytest.MonkeyPatch, n_trials: int
) -> None:
    for module in ("input.compare", "permutation.sketch", "input.nodes"):
        monkeypatch.setattr(f"monitor.drift.{module}.MAXIMUM_NODES", 200)
    rejected = 0
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        result = compare(
            unit_vectors(700, rng),
            unit_vectors(500, rng),
            rng=rng,
            n_permutations=99,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        rejected += result.p_value <= 0.05
    assert {"novelty", "largest_cell", "cells", "kernel"} <= {test.name for test in result.tests}
    assert rejected <= stats.binom.ppf(0.9995, n_trials, 0.05)


@pytest.mark.parametrize("device", ["tpu", "cuda:x"])
def test_a_device_that_is_none_is_refused(device: str) -> None:
    with pytest.raises(ValueError, match="device"):
        resolve_device(device)


def test_cuda_without_a_gpu_is_refused() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(ValueError, match="no CUDA device"):
        resolve_device("cuda")
