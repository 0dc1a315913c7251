"""Effects of the component tests: intervals contain 0 only without drift."""

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import DriftResult, compare, compare_given
from tests.statistics.trials import trials


def points(n: int, centres: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    drawn = centres[rng.integers(len(centres), size=n)] + 0.5 * rng.standard_normal((n, 16))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def inputs(seed: int, *, drifted: bool = False) -> DriftResult:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((12, 16))
    current = points(300, centres, rng)
    if drifted:
        current[:90] = points(90, 3 * rng.standard_normal((1, 16)), rng)
    return compare(
        points(300, centres, rng),
        current,
        rng=rng,
        n_permutations=199,
        locate=False,
        alpha=0.05,
        minimum_drifted_share=0.0,
    )


def outputs(seed: int, *, drifted: bool = False) -> DriftResult:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((12, 16))
    prompts, responses = (
        [points(300, where, rng) for _ in range(2)] for where in (centres, centres[::-1])
    )
    if drifted:
        responses[1][:90] = points(90, 3 * rng.standard_normal((1, 16)), rng)
    sides = prompts[0], responses[0], prompts[1], responses[1]
    return compare_given(*sides, rng=rng, n_permutations=199, alpha=0.05, minimum_drifted_share=0.0)


def holding_zero(results: list[DriftResult]) -> Counter[str]:
    counts = Counter({test.name: 0 for test in results[0].tests})
    for result in results:
        counts.update(t.name for t in result.tests if t.effect_lower <= 0 <= t.effect_upper)
    return counts


@pytest.mark.slow
@trials(4, 40)
def test_effect_intervals_contain_zero_without_drift(n_trials: int) -> None:
    for kind in (inputs, outputs):
        for name, n_holding in holding_zero([kind(seed) for seed in range(n_trials)]).items():
            assert stats.binom.cdf(n_holding, n_trials, 0.95) > 0.001, name


@pytest.mark.slow
@trials(4, 6)
def test_effect_intervals_exclude_zero_with_drift(n_trials: int) -> None:
    for kind, names in (
        (inputs, ("scan",)),
        (outputs, ("largest_cell",)),
    ):
        results = [kind(seed, drifted=True) for seed in range(n_trials)]
        holding = holding_zero(results)
        assert all(holding[name] <= 1 for name in names), holding
        for result in results:
            assert all(abs(test.effect_size) < 50 for test in result.tests)
            assert all(t.effect_lower <= t.effect_size <= t.effect_upper for t in result.tests)
