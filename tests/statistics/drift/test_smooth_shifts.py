"""Smooth shifts of the prompts: responses that follow them are no output drift."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.drift import DriftResult, compare_given
from monitor.drift.output.local_tests import evaluate_within_strata
from monitor.drift.output.prompt_basis import CONCENTRATION, N_LANDMARKS, smooth_functions
from monitor.drift.output.response_features import ResidualFeatures
from monitor.drift.output.strata import Strata, make_strata
from monitor.drift.samples.embeddings import Embeddings
from monitor.drift.samples.pool import make_pool

D = 16
FIRST = np.random.default_rng(99).standard_normal((D, 64)) * 2.25
SECOND = np.random.default_rng(98).standard_normal((64, D)) / 8

Side = tuple[NDArray[np.float32], NDArray[np.float32]]


def unit(points: NDArray[np.floating]) -> NDArray[np.float32]:
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def draw(rng: np.random.Generator, n: int, lean: float = 0.0, manner: float = 0.0) -> Side:
    """Return shifted prompts, and responses that follow them smoothly."""
    points = rng.standard_normal((n, D))
    points[:, 0] += lean
    prompts = unit(points)
    noise = 0.5 * rng.standard_normal((n, D))
    responses = np.tanh(prompts @ FIRST) @ SECOND + noise
    responses[:, 1] += manner
    return prompts, unit(responses)


def compare_sides(rng: np.random.Generator, before: Side, after: Side) -> DriftResult:
    return compare_given(
        *before, *after, rng=rng, n_permutations=499, alpha=0.05, minimum_drifted_share=0.0
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_trials", "n"), [(2, 3_000), pytest.param(6, 6_000, marks=pytest.mark.drill)]
)
def test_tilted_prompts_are_no_output_drift(n_trials: int, n: int) -> None:
    # Without the projection 5 of 6 are a change of contents, and both of the short form.
    alarms = 0
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        result = compare_sides(rng, draw(rng, n), draw(rng, n, lean=1.0))
        alarms += {test.name: test.p_value for test in result.tests}["kernel_4"] <= 0.05
    assert alarms <= n_trials // 3


@pytest.mark.slow
def test_change_of_manner_is_detected_under_tilted_prompts() -> None:
    for seed in range(2):
        rng = np.random.default_rng(seed)
        result = compare_sides(rng, draw(rng, 1_000), draw(rng, 1_000, lean=1.0, manner=0.3))
        assert result.p_value <= 0.01


def test_kernel_products_are_exact_where_all_samples_are_landmarks() -> None:
    prompts = unit(np.random.default_rng(0).standard_normal((200, D)))
    assert len(prompts) <= N_LANDMARKS
    inside = np.arange(200) < 150
    values = smooth_functions(Embeddings((prompts,)), inside, np.random.default_rng(1))
    wide = values.astype(np.float64)
    kernel = np.exp(CONCENTRATION * (prompts @ prompts.T - 1.0))
    np.testing.assert_allclose((wide @ wide.T)[:150, :150], kernel[:150, :150], atol=5e-3)
    assert not values[150:].any()


@pytest.fixture
def features() -> tuple[ResidualFeatures, Strata, NDArray[np.float16]]:
    rng = np.random.default_rng(3)
    (prompts, responses), (later, replies) = draw(rng, 300), draw(rng, 300, lean=0.5)
    pool = make_pool(Embeddings((prompts,)), Embeddings((later,)), None, None)
    responses = Embeddings((np.concatenate([responses, replies]),))
    strata = make_strata(pool, rng.integers(6, size=600), np.zeros(600, dtype=bool), rng)
    residual_features = ResidualFeatures(
        responses,
        rng.standard_normal((600, D)).astype(np.float32),
        cell=rng.integers(4, size=600),
        n_cells=4,
        near=np.where(rng.random((600, 5)) < 0.9, rng.integers(600, size=(600, 5)), -1),
        closeness=rng.random(600),
        rng=rng,
    )
    return residual_features, strata, rng.standard_normal((600, 3)).astype(np.float16)


def test_products_with_the_basis_are_sums_over_samples(features) -> None:
    residual_features, _, basis = features
    sums, products = residual_features.sums(np.arange(600), 600, basis)
    np.testing.assert_allclose(products, basis.astype(np.float64).T @ sums, atol=1e-3)


def test_responses_that_follow_the_basis_have_no_contrast(features) -> None:
    residual_features, strata, basis = features

    class Following:
        """Features that are combinations of the smooth functions and the strata."""

        names = ("shift",)
        splits = np.empty(0, dtype=np.int64)

        def sums(self, bins, n_bins, functions):
            own = functions.astype(np.float64) @ np.arange(6.0).reshape(3, 2)
            own += strata.stratum[:, None]
            sums = np.zeros((n_bins, 2))
            np.add.at(sums, bins, own)
            return sums, functions.astype(np.float64).T @ own

    tests = evaluate_within_strata(strata, Following(), basis, 99, np.random.default_rng(0))
    assert tests.components.effect_sizes[0] < 1e-4  # the remainder is the penalty
    assert residual_features.names[0] == Following.names[0]
