"""Parts of the drift statistics against brute force and SciPy."""

import doctest
import importlib
import inspect
import itertools
import re
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor import descriptors, drift
from monitor.drift.input import category_mix, scan
from monitor.drift.input.category_mix import compare_mix
from monitor.drift.neighbours.cells import fit_cells
from monitor.drift.neighbours.exact import nearest
from monitor.drift.numeric import comparison
from monitor.drift.numeric.comparison import compare_numeric
from monitor.drift.output import compare_given
from monitor.drift.permutation.fusion import fuse
from monitor.drift.permutation.labels import upper_p_values
from monitor.drift.permutation.random_features import fit_random_features
from monitor.statistics import multiplicity
from monitor.statistics.binomial import upper_tails
from monitor.statistics.intervals import clopper_pearson
from monitor.statistics.multiplicity import adjust_bh, holm
from tests.statistics.trials import trials

COMPARE = importlib.import_module("monitor.drift.input.compare")  # its function hides it
MODULES = (
    COMPARE,
    compare_given,
    category_mix,
    multiplicity,
    comparison,
    scan,
    descriptors,
)
FUNCTIONS = [item for item in map(drift.__dict__.get, drift.__all__) if inspect.isfunction(item)]
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_statistics_have_an_example(module: ModuleType) -> None:
    """Whether it holds, tests/unit/test_docstring_examples.py tests."""
    assert any(test.examples for test in doctest.DocTestFinder().find(module))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_docstrings_of_public_functions_give_shapes_returns_and_source(function: Callable) -> None:
    text = inspect.getdoc(function) or ""
    module = inspect.getmodule(function).__doc__ or ""
    assert "Args:" in text
    assert "Returns:" in text
    if "Array" in str(inspect.signature(function)):
        assert re.search(r"``\[.+\]``", text)
    assert re.search(r"(19|20)\d\d|arXiv", text + module)


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


@pytest.mark.slow
@given(st.integers(1, 50), st.integers(0, 50))
def test_binomial_bounds_are_scipys(trials: int, successes: int) -> None:
    successes = min(successes, trials)
    exact = stats.binomtest(successes, trials).proportion_ci(0.95, method="exact")
    np.testing.assert_allclose(clopper_pearson(successes, trials, 0.025), (exact.low, exact.high))
    expected = stats.binomtest(successes, trials, 0.3, alternative="greater").pvalue
    item = (np.array([float(value)]) for value in (successes, trials, 0.3))
    assert upper_tails(*item)[0] == pytest.approx(expected)


def test_nearest_is_brute_force_without_the_own_owner() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((60, 5)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    owner = np.arange(60) // 3
    neighbours = nearest(points, points, 4, query_owner=owner, landmark_owner=owner)
    cosine = points @ points.T
    cosine[owner[:, None] == owner] = -2
    np.testing.assert_array_equal(neighbours.index, np.argsort(-cosine, axis=1)[:, :4])


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


def test_cells_of_duplicates_are_the_distinct_points() -> None:
    points = np.eye(3, dtype=np.float32)[np.arange(60) % 3]
    assert len(fit_cells(points, 10, np.random.default_rng(0)).centroids) == 3


def test_numeric_effect_equals_scipy() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.gamma(2, 1, 120), rng.gamma(2, 1.3, 90)
    result = compare_numeric(x, y)
    assert result is not None
    u = stats.mannwhitneyu(y, x)
    assert result.effect_size == pytest.approx(2 * u.statistic / (120 * 90) - 1)
    assert result.p_value == pytest.approx(u.pvalue, abs=0.03)
    assert result.relative_change == pytest.approx(y.mean() / x.mean() - 1)


def test_numeric_interval_covers_with_users() -> None:
    covered = rejected = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, y = (np.repeat(rng.normal(3, 1, k), 5) + rng.normal(0, 0.5, 5 * k) for k in (40, 30))
        result = compare_numeric(
            x,
            y,
            reference_groups=np.arange(200) // 5,
            current_groups=100 + np.arange(150) // 5,
        )
        assert result is not None
        assert result.relative_change_lower is not None
        assert result.relative_change_upper is not None
        covered += result.relative_change_lower <= 0 <= result.relative_change_upper
        rejected += result.p_value <= 0.05
    assert stats.binom.cdf(covered, 200, 0.95) > 0.001
    assert stats.binom.sf(rejected - 1, 200, 0.05) > 0.001


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 5))
def test_numeric_test_depends_on_ranks_only(seed: int, power: float) -> None:
    rng = np.random.default_rng(seed)
    x, y, groups = rng.gamma(2, 1, 40), rng.gamma(2, 1.3, 30), np.arange(40) // 3
    plain = compare_numeric(x, y, reference_groups=groups)
    warped = compare_numeric(x**power, y**power, reference_groups=groups)
    assert plain is not None
    assert warped is not None
    assert (plain.effect_size, plain.p_value) == (warped.effect_size, warped.p_value)


def test_numeric_comparison_without_data_has_no_change() -> None:
    assert compare_numeric([], [1.0]) is None
    assert compare_numeric(np.arange(9), np.arange(9), current_groups=["one"] * 9) is None
    changed = compare_numeric(np.zeros(50), np.ones(50))
    assert changed is not None
    assert changed.relative_change is None


def test_numeric_comparison_refuses_invalid_samples() -> None:
    with pytest.raises(ValueError, match="one number for each sample"):
        compare_numeric(np.zeros((3, 2)), np.zeros(3))
    with pytest.raises(ValueError, match="current_groups must hold one id for each"):
        compare_numeric(np.zeros(3), np.zeros(3), current_groups=["a"])


def test_mix_statistic_is_scipys() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.choice(list("abc"), 200, p=[0.5, 0.3, 0.2]), rng.choice(list("abc"), 150)
    table = [[np.sum(side == name) for name in "abc"] for side in (x, y)]
    expected = stats.chi2_contingency(table)
    result = compare_mix(x.tolist(), y.tolist(), rng=rng)
    assert result.statistic == pytest.approx(expected.statistic)
    assert result.p_value == pytest.approx(expected.pvalue, abs=0.03)
    shares = np.array(table) / [[200], [150]]
    assert list(result.current.values()) == pytest.approx(shares[1])
    assert result.effect_size == pytest.approx(np.abs(shares[0] - shares[1]).sum() / 2)


def test_mix_without_data_or_choice_is_no_change() -> None:
    rng = np.random.default_rng(0)
    for sides in (([], []), (["a"], []), (["a"] * 30, ["a"] * 30)):
        result = compare_mix(*sides, rng=rng)
        assert (result.statistic, result.effect_size) == (0.0, 0.0)
        assert np.isnan(result.p_value)
    # One user says nothing about users.
    few_users = compare_mix(["a"] * 30, ["b"] * 30, current_groups=["u"] * 30, rng=rng)
    assert np.isnan(few_users.p_value)


def tasks(users: int, messages: int, rng: np.random.Generator) -> list[str]:
    """Draw the task type of each message from its end user's preferences."""
    upper = rng.dirichlet([0.8, 0.6, 0.4, 0.2], users).cumsum(axis=1).repeat(messages, axis=0)
    below = rng.random(len(upper))[:, None] > upper[:, :-1]
    return [str(task) for task in below.sum(axis=1)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reference", "current"), [((2000, 1), (25, 20)), ((100, 20), (100, 5)), ((50, 20), (400, 2))]
)
@trials(40, 200)
def test_mix_null_is_calibrated_with_different_users(
    reference: tuple[int, int], current: tuple[int, int], n_trials: int
) -> None:
    """Sides of (end users, messages each); a permutation of end users fails the first two."""
    rejected = 0
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        result = compare_mix(
            tasks(*reference, rng),
            tasks(*current, rng),
            reference_groups=np.arange(reference[0]).repeat(reference[1]),
            current_groups=np.arange(current[0]).repeat(current[1]),
            rng=rng,
            n_permutations=99,
        )
        rejected += result.p_value <= 0.05
    low, high = stats.binom.interval(0.999, n_trials, 0.05)
    assert low <= rejected <= high


@pytest.mark.slow
def test_mix_of_countless_categories_is_tested_in_bounded_memory() -> None:
    rng = np.random.default_rng(0)
    names = [f"task {number}" for number in range(20_000)]
    same = compare_mix(names, names[::-1], rng=rng, n_permutations=99)
    assert same.effect_size == pytest.approx(0)
    moved = compare_mix(
        [*names, *["common"] * 5000], [*names, *["new"] * 5000], rng=rng, n_permutations=99
    )
    assert moved.p_value == 0.01
    assert moved.effect_size == pytest.approx(0.2)
