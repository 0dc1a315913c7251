"""Level, power and effects of the descriptors of responses given the prompts."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import DriftResult, ResponseDescriptor, compare_given
from tests.statistics.trials import trials

N, D = 200, 8


def unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def run(
    seed: int,
    *,
    factor: float = 1.0,
    longer_prompts: float = 0.0,
    outliers: float = 0.0,
    per_user: int = 1,
    alpha: float = 0.05,
) -> DriftResult:
    """Compare responses whose length depends on their prompts; their vectors never change."""
    rng = np.random.default_rng(seed)
    prompts = unit(rng.standard_normal((2, N, D)) + 0.5)
    size = rng.standard_normal((2, N)) + np.array([0.0, longer_prompts])[:, None]
    mood = np.repeat(rng.standard_normal((2, N // per_user)), per_user, axis=1)
    logarithm = 4.0 + 0.5 * size + 0.8 * prompts[..., 0] + 0.3 * mood
    logarithm += 0.4 * rng.standard_normal((2, N)) + np.log([[1.0], [factor]])
    lengths = np.exp(logarithm)
    lengths[1, : round(outliers * N)] = 1e6
    responses = unit(prompts + 0.5 * rng.standard_normal(prompts.shape))
    users = np.arange(N) // per_user
    return compare_given(
        *(array for side in range(2) for array in (prompts[side], responses[side])),
        reference_covariates=size[0][:, None],
        current_covariates=size[1][:, None],
        descriptors=[
            ResponseDescriptor(
                name="length", reference=lengths[0], current=lengths[1], is_relative=True
            ),
            ResponseDescriptor(
                name="refusal", reference=rng.random(N) < 0.02, current=rng.random(N) < 0.02
            ),
        ],
        reference_groups=users,
        current_groups=users + N,
        rng=rng,
        n_permutations=199,
        alpha=alpha,
        minimum_drifted_share=0.0,
    )


def length(result: DriftResult):
    return next(change for change in result.descriptors if change.name == "length")


@pytest.mark.slow
@trials(6, 200)
@pytest.mark.parametrize("case", [{}, {"longer_prompts": 0.7}, {"per_user": 4}])
def test_descriptors_keep_the_level_where_only_prompts_move(n_trials: int, case) -> None:
    rejected = sum(run(seed, **case).p_value <= 0.05 for seed in range(n_trials))
    assert rejected <= stats.binom.ppf(0.999, n_trials, 0.05)


@pytest.mark.slow
@trials(10, 60)
def test_shorter_responses_are_detected_though_embeddings_are_equal(n_trials: int) -> None:
    results = [run(seed, factor=0.8) for seed in range(n_trials)]
    assert sum(result.p_value <= 0.05 for result in results) >= 0.8 * n_trials
    assert sum(result.is_shift for result in results) >= 0.8 * n_trials
    covered = sum(length(result).lower <= -0.2 <= length(result).upper for result in results)
    assert covered >= stats.binom.ppf(0.001, n_trials, 0.95)
    assert np.mean([length(result).change for result in results]) == pytest.approx(-0.2, abs=0.04)


@pytest.mark.slow
@trials(5, 40)
def test_extreme_responses_do_not_hide_shorter_ones(n_trials: int) -> None:
    results = [run(seed, factor=0.75, outliers=0.01) for seed in range(n_trials)]
    assert sum(result.p_value <= 0.05 for result in results) >= 0.8 * n_trials
    assert all(length(result).change < 0.0 for result in results)


@pytest.mark.slow
@trials(6, 200)
def test_interval_of_a_change_covers_no_change(n_trials: int) -> None:
    results = [run(seed, per_user=4) for seed in range(n_trials)]
    covered = sum(length(result).lower <= 0.0 <= length(result).upper for result in results)
    assert covered >= stats.binom.ppf(0.001, n_trials, 0.95)


@pytest.mark.parametrize("values", [np.zeros(3), np.full(N, "x", dtype=object), np.zeros((N, 1))])
def test_descriptors_must_be_a_number_for_each_response(values) -> None:
    rng = np.random.default_rng(0)
    side = unit(rng.standard_normal((N, D)))
    wrong = ResponseDescriptor(name="length", reference=values, current=np.zeros(N))
    with pytest.raises(ValueError, match="length"):
        compare_given(side, side, side, side, descriptors=[wrong], rng=rng)
