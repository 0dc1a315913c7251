"""The parts of the drift statistics against brute force and SciPy."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.drift.binomial import clopper_pearson, upper_tail
from monitor.drift.cells import fit_cells
from monitor.drift.characteristics import compare_scalar
from monitor.drift.fusion import fuse
from monitor.drift.mix import compare_mix
from monitor.drift.multiplicity import adjust_bh, holm
from monitor.drift.neighbours import nearest
from monitor.drift.permutation import upper_p_values
from monitor.drift.random_features import fit_random_features
from monitor.drift.sketch import FeatureMap, make_sketch
from monitor.drift.text_characteristics import (
    non_letter_share,
    refusal,
    repetition,
    truncation,
    valid_json,
)

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(P_VALUES)
def test_bh_is_scipys(p_values: list[float]) -> None:
    np.testing.assert_allclose(adjust_bh(p_values), stats.false_discovery_control(p_values))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_closed_testing_by_bonferroni(p_values: list[float]) -> None:
    m = len(p_values)
    subsets = [s for k in range(1, m + 1) for s in itertools.combinations(range(m), k)]
    expected = [
        max(min(1.0, len(s) * min(p_values[j] for j in s)) for s in subsets if i in s)
        for i in range(m)
    ]
    np.testing.assert_allclose(holm(p_values), expected)


@given(st.integers(1, 50), st.integers(0, 50))
def test_binomial_bounds_are_scipys(trials: int, successes: int) -> None:
    successes = min(successes, trials)
    exact = stats.binomtest(successes, trials).proportion_ci(0.95, method="exact")
    np.testing.assert_allclose(clopper_pearson(successes, trials, 0.025), (exact.low, exact.high))
    expected = stats.binomtest(successes, trials, 0.3, alternative="greater").pvalue
    assert upper_tail(successes, trials, 0.3) == pytest.approx(expected)


def test_nearest_is_brute_force_without_the_own_owner() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((60, 5)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    owner = np.arange(60) // 3
    found = nearest(points, points, 4, query_owner=owner, landmark_owner=owner)
    cosine = points @ points.T
    cosine[owner[:, None] == owner] = -2
    np.testing.assert_array_equal(found.index, np.argsort(-cosine, axis=1)[:, :4])


def test_random_features_approximate_the_gaussian_kernel() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((20, 5)).astype(np.float32)
    features = fit_random_features(points, rng, n_frequencies=20_000, factors=(1.0,))
    mapped = features.transform(points)
    squared = ((points[:, None] - points) ** 2).sum(-1)
    np.testing.assert_allclose(
        mapped @ mapped.T, np.exp(-squared / features.bandwidths[0]), atol=0.03
    )


def test_p_values_count_ties_and_are_never_zero() -> None:
    statistics = np.array([[3.0], [1.0], [3.0], [2.0]])
    assert upper_p_values(statistics)[:, 0].tolist() == [0.5, 1.0, 0.5, 0.75]


def test_the_fused_p_value_is_uniform_over_exchangeable_rows() -> None:
    statistics = np.random.default_rng(0).standard_normal((99, 4))
    fused = [fuse(np.roll(statistics, shift, axis=0))[0] for shift in range(99)]
    for alpha in (0.05, 0.2, 0.5):
        assert np.mean(np.array(fused) <= alpha) <= alpha


def test_sketches_of_parts_add_up() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((90, 6)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    cells = fit_cells(points, 8, rng)
    features = FeatureMap(fit_random_features(points, rng), cells, np.array([0.3, 0.6]))
    cell, novelty, bins = cells.assign(points), rng.random(90), rng.integers(-1, 5, 90)

    def part(rows: slice):
        return make_sketch(
            features,
            points[rows],
            cell=cell[rows],
            novelty=novelty[rows],
            bins=bins[rows],
            n_bins=5,
        )

    whole, summed = part(slice(None)), part(slice(40)) + part(slice(40, None))
    np.testing.assert_allclose(summed.kernel, whole.kernel, atol=1e-4)
    np.testing.assert_array_equal(summed.cells, whole.cells)
    np.testing.assert_array_equal(summed.counts, np.bincount(bins[bins >= 0], minlength=5))
    kept = bins == 2
    assert whole.tails[2].tolist() == [(novelty[kept] > t).sum() for t in (0.3, 0.6)]


def test_cells_of_duplicates_are_the_distinct_points() -> None:
    points = np.eye(3, dtype=np.float32)[np.arange(60) % 3]
    assert len(fit_cells(points, 10, np.random.default_rng(0)).centroids) == 3


def test_scalar_effect_is_scipys_and_p_value_is_near() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.gamma(2, 1, 120), rng.gamma(2, 1.3, 90)
    result = compare_scalar(x, y, rng=rng)
    u = stats.mannwhitneyu(y, x)
    assert result.effect_size == pytest.approx(2 * u.statistic / (120 * 90) - 1)
    assert result.p_value == pytest.approx(u.pvalue, abs=0.03)
    assert result.relative_change == pytest.approx(y.mean() / x.mean() - 1)


def test_scalar_interval_covers_and_null_is_calibrated_with_users() -> None:
    covered = rejected = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, y = (np.repeat(rng.normal(3, 1, k), 5) + rng.normal(0, 0.5, 5 * k) for k in (40, 30))
        result = compare_scalar(
            x,
            y,
            reference_groups=np.arange(200) // 5,
            current_groups=100 + np.arange(150) // 5,
            rng=rng,
            n_resamples=99,
        )
        assert result.relative_change_lower is not None
        assert result.relative_change_upper is not None
        covered += result.relative_change_lower <= 0 <= result.relative_change_upper
        rejected += result.p_value <= 0.05
    assert stats.binom.cdf(covered, 200, 0.95) > 0.001
    assert stats.binom.sf(rejected - 1, 200, 0.05) > 0.001


@pytest.mark.parametrize(("direction", "expected"), [(1, True), (-1, False), (0, False)])
def test_degraded_needs_a_direction_for_the_worse(direction: int, expected: bool) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(10, 1, 300), rng.normal(8, 1, 300)
    result = compare_scalar(x, y, direction=direction, alert_threshold=0.1, rng=rng)
    assert result.degraded is expected


def test_scalar_without_data_or_baseline_says_so() -> None:
    rng = np.random.default_rng(0)
    assert compare_scalar([], [1.0], rng=rng).p_value == 1.0
    assert compare_scalar(np.zeros(50), np.ones(50), rng=rng).relative_change is None


def test_mix_statistic_is_scipys() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.choice(list("abc"), 200, p=[0.5, 0.3, 0.2]), rng.choice(list("abc"), 150)
    table = [[np.sum(side == name) for name in "abc"] for side in (x, y)]
    expected = stats.chi2_contingency(table)
    result = compare_mix(x.tolist(), y.tolist(), rng=rng)
    assert result.statistic == pytest.approx(expected.statistic)
    assert result.p_value == pytest.approx(expected.pvalue, abs=0.03)
    assert compare_mix([], [], rng=rng).p_value == 1.0


def test_text_characteristics() -> None:
    sentence = "this text goes on and on about a thing and then it suddenly"
    assert refusal(
        ["I'm sorry, but I can't help.", "As an AI language model, no", "Sure"]
    ).tolist() == [
        1.0,
        1.0,
        0.0,
    ]
    assert truncation([sentence, sentence + ".", "", "card_lost", "```\ncode"]).tolist() == [
        1,
        0,
        0,
        0,
        1,
    ]
    assert valid_json(['{"a": 1}', "```json\n[1]\n```", "{", "1", ""]).tolist() == [1, 1, 0, 0, 0]
    assert repetition(["", "one two three", "a b c a b c"]).tolist() == [0.0, 0.0, 0.25]
    assert non_letter_share(["", "ab 12", "été"]).tolist() == [0.0, 0.5, 0.0]
