"""Covariates of prompts: their shift is no output drift."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.drift import DriftResult, compare_given
from monitor.drift.output.covariates import WEIGHT, append_covariates
from monitor.drift.samples.embeddings import Embeddings
from tests.statistics.trials import trials

Side = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]
D = 16


def unit(points: NDArray[np.floating]) -> NDArray[np.float32]:
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def draw(rng: np.random.Generator, n: int, terse: float, manner: float = 0.0) -> Side:
    """Return prompts, responses, and a length that alone determines terse responses."""
    prompts = unit(rng.standard_normal((n, D)))
    is_terse = rng.random(n) < terse
    responses = prompts + 0.2 * rng.standard_normal((n, D))
    responses[:, 0] += 0.4 * is_terse
    responses[:, 1] += manner
    length = np.where(is_terse, 10.0, 200.0) * rng.lognormal(0.0, 0.4, n)
    return prompts, unit(responses), length[:, None]


@pytest.mark.slow
@trials(10, 20)
def test_shift_of_covariates_is_no_output_drift(n_trials: int) -> None:
    alarms = {True: 0, False: 0}
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        before, after = draw(rng, 300, terse=0.3), draw(rng, 300, terse=0.6)
        for with_covariates in alarms:
            result = compare_sides(before, after, with_covariates=with_covariates)
            alarms[with_covariates] += result.p_value <= 0.05
    assert alarms[False] >= 0.8 * n_trials  # without the covariate it is drift
    assert alarms[True] <= 0.2 * n_trials


@pytest.mark.slow
def test_changed_responses_are_detected_under_shifted_covariates() -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        before, after = draw(rng, 300, terse=0.3), draw(rng, 300, terse=0.6, manner=0.2)
        assert compare_sides(before, after, with_covariates=True).p_value <= 0.01


def test_unit_and_extremes_of_a_covariate_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    before, after = draw(rng, 120, terse=0.3), draw(rng, 120, terse=0.6)
    stretched = [(*side[:2], np.exp(side[2] / 50.0)) for side in (before, after)]
    result, stretched_result = (
        compare_sides(before, after, with_covariates=True),
        compare_sides(*stretched, with_covariates=True),
    )
    assert result.p_value == stretched_result.p_value
    np.testing.assert_array_equal(result.novelty, stretched_result.novelty)


def test_unknown_covariates_count_as_average() -> None:
    prompts = [
        Embeddings((unit(np.random.default_rng(k).standard_normal((4, 3))),)) for k in (0, 1)
    ]
    values = np.array([[1.0], [np.nan], [3.0], [2.0], [np.nan], [4.0], [5.0], [np.nan]])
    joint = np.concatenate([side[slice(None)] for side in append_covariates(*prompts, values)])
    np.testing.assert_allclose(np.linalg.norm(joint, axis=1), 1.0, atol=1e-3)
    np.testing.assert_allclose(joint[[1, 4, 7], 3], 0.0)
    score = joint[:, 3] / np.sqrt(1.0 - joint[:, 3] ** 2)
    np.testing.assert_allclose(score[3], WEIGHT * -0.4307, atol=1e-3)  # 2nd of 5
    np.testing.assert_allclose(score[2], 0.0, atol=1e-3)  # the median


def test_invalid_covariates_are_refused() -> None:
    prompts, responses, lengths = draw(np.random.default_rng(0), 60, terse=0.3)
    for before, after, message in (
        (lengths, None, "one side are missing: current"),
        (lengths, lengths[1:], r"current_covariates must be an array \[n, k\], a row for each of"),
        (lengths[:, 0], lengths, "reference_covariates must be an array"),
        (lengths, [["long"]] * 60, "current_covariates must be numbers"),
        (lengths, np.hstack([lengths, lengths]), "must have the same covariates"),
        (lengths[:, :0], lengths[:, :0], "at least one"),
    ):
        with pytest.raises(ValueError, match=message):
            compare_given(
                prompts,
                responses,
                prompts,
                responses,
                reference_covariates=before,
                current_covariates=after,
                rng=np.random.default_rng(0),
                alpha=0.05,
                minimum_drifted_share=0.0,
            )


def compare_sides(before: Side, after: Side, *, with_covariates: bool) -> DriftResult:
    return compare_given(
        before[0],
        before[1],
        after[0],
        after[1],
        reference_covariates=before[2] if with_covariates else None,
        current_covariates=after[2] if with_covariates else None,
        rng=np.random.default_rng(7),
        n_permutations=199,
        alpha=0.05,
        minimum_drifted_share=0.0,
    )
