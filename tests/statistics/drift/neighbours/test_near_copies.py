"""Copies of a text whose vectors differ by rounding."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.drift import compare, compare_given
from monitor.drift.neighbours.near_copies import merge_near_copies
from monitor.drift.samples.embeddings import check_vectors
from tests.statistics.trials import trials

D = 48


def unit(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def texts(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return unit(rng.standard_normal((n, D)) + 0.5)


def again(vectors: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Encode the same texts in another batch, so that the last bits change."""
    return unit(vectors + 3e-5 * rng.standard_normal(vectors.shape))


def united(
    reference: NDArray[np.floating], current: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    sides = merge_near_copies(check_vectors(reference, "r"), check_vectors(current, "c"))
    return sides[0][:], sides[1][:]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_vectors_that_differ_by_rounding_are_merged(kind: type[np.floating]) -> None:
    rng = np.random.default_rng(0)
    known = texts(300, rng).astype(np.float32)
    alone = texts(100, rng).astype(np.float32)
    before, after = united(known, np.concatenate([again(known, rng), alone]).astype(kind))
    np.testing.assert_array_equal(before, after[:300])
    np.testing.assert_allclose(before, known, atol=2e-3)
    assert len(np.unique(np.concatenate([before, after]), axis=0)) == 400


def test_similar_vectors_are_not_merged() -> None:
    rng = np.random.default_rng(0)
    known = texts(200, rng)
    alike = unit(known + 3e-3 * rng.standard_normal(known.shape))  # cosine .9998
    sides = check_vectors(known, "r"), check_vectors(alike, "c")
    assert merge_near_copies(*sides) == sides


def test_copies_among_similar_texts_are_found() -> None:
    """Similar texts share the cells of the search for copies."""
    rng = np.random.default_rng(0)
    alike = unit(texts(1, rng) + 2e-3 * rng.standard_normal((12, D)))
    before, after = united(alike, again(alike, rng))
    np.testing.assert_array_equal(before, after)
    assert len(np.unique(before, axis=0)) == 12


def test_representative_of_merged_vectors_does_not_depend_on_order() -> None:
    rng = np.random.default_rng(0)
    known = texts(50, rng)
    other = again(known, rng)
    order = rng.permutation(50)
    np.testing.assert_array_equal(united(known, other)[0], united(other, known)[0])
    np.testing.assert_array_equal(
        united(known, other)[1][order], united(known[rng.permutation(50)], other[order])[1]
    )


def draw_window(
    rng: np.random.Generator, popular: NDArray[np.float64], n: int = 1_500
) -> NDArray[np.float64]:
    """Return a window with six in ten prompts among popular ones."""
    often = popular[rng.integers(len(popular), size=6 * n // 10)]
    return np.concatenate([often, texts(n - len(often), rng)])


@pytest.mark.slow
@trials(4, 8)
def test_popular_texts_with_rounding_differences_are_no_drift(n_trials: int) -> None:
    """Rounding makes the copies of one side each other's nearest neighbours."""
    alarms = 0
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        popular = texts(12, rng)
        result = compare(
            draw_window(rng, popular), draw_window(rng, again(popular, rng)),
            rng=rng, n_permutations=199, locate=False,
        alpha=0.05, minimum_drifted_share=0.0)  # fmt: skip
        alarms += result.p_value <= 0.05
    assert alarms <= n_trials // 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_responses_with_rounding_differences_are_equal(seed: int) -> None:
    """Refusals are copies of one text."""
    rng = np.random.default_rng(seed)
    prompts = texts(400, rng), texts(400, rng)
    responses = texts(3, rng)
    first, second = rng.integers(3, size=(2, 400))
    p_values = [
        compare_given(
            prompts[0], responses[first], prompts[1], later[second],
            rng=np.random.default_rng(1), n_permutations=199,
        alpha=0.05, minimum_drifted_share=0.0).p_value
        for later in (responses, again(responses, rng))
    ]  # fmt: skip
    assert p_values[0] == p_values[1]
