"""Output drift with few repeated prompts, such as health checks and buttons."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import DriftResult, compare_given
from tests.statistics.trials import trials

WIDTH = 16


def unit(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points / np.linalg.norm(points, axis=-1, keepdims=True)


def run(seed: int, n_prompts: int, spread: float, *, off: float = 0.0) -> DriftResult:
    """Compare responses that vary by ``spread`` around one per prompt; ``off`` are unrelated."""
    rng = np.random.default_rng(seed)
    prompts, responses = (unit(rng.standard_normal((n_prompts, WIDTH))) for _ in range(2))

    def draw(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rows = rng.integers(0, n_prompts, n)
        noise = spread * rng.standard_normal((n, WIDTH))
        return prompts[rows], unit(responses[rows] + noise)

    reference, current = draw(300), draw(250)
    current[1][: round(off * 250)] = unit(rng.standard_normal((round(off * 250), WIDTH)))
    return compare_given(
        *reference, *current, rng=rng, n_permutations=199, alpha=0.05, minimum_drifted_share=0.0
    )


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.15], ids=["one response each", "responses vary"])
@pytest.mark.parametrize("n_prompts", [1, 5, 20])
@trials(4, 25)
def test_repeated_prompts_keep_the_level(n_prompts: int, spread: float, n_trials: int) -> None:
    alarms = sum(run(seed, n_prompts, spread).p_value <= 0.05 for seed in range(n_trials))
    assert stats.binom.sf(alarms - 1, n_trials, 0.05) > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.15])
@pytest.mark.parametrize("n_prompts", [1, 20])
@trials(4, 16)
def test_changed_responses_to_repeated_prompts_are_detected(
    n_prompts: int, spread: float, n_trials: int
) -> None:
    results = [run(seed, n_prompts, spread, off=0.2) for seed in range(n_trials)]
    assert sum(result.p_value <= 0.05 for result in results) >= 7 / 8 * n_trials


def test_order_of_repeated_prompts_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    prompts = unit(rng.standard_normal((20, WIDTH)))[rng.integers(0, 20, 550)]
    responses = unit(rng.standard_normal((550, WIDTH)))
    p_values = []
    for first, second in (
        (np.arange(300), np.arange(300, 550)),
        (rng.permutation(300), 300 + rng.permutation(250)),
    ):
        sides = prompts[first], responses[first], prompts[second], responses[second]
        same = np.random.default_rng(1)
        p_values.append(
            compare_given(
                *sides, rng=same, n_permutations=199, alpha=0.05, minimum_drifted_share=0.0
            ).p_value
        )
    assert p_values[0] == p_values[1]
