"""Error rate of check 1 over many candidates on the same items, and its power."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.statistics.intervals import clopper_pearson, mcnemar_p_value
from retrain.evaluation.gates.error_budget import level_of
from tests.statistics.trials import trials

N_ITEMS = 150
known_p = cache(mcnemar_p_value)
ALPHA = 0.05


def p_values(rng: np.random.Generator, n: int, gain: float = 0.0) -> Iterator[float]:
    """Yield the p-values of candidates that win a share of the items more than they lose."""
    difficulty = rng.random(N_ITEMS)
    incumbent = rng.random(N_ITEMS) < difficulty
    for _ in range(n):
        candidate = rng.random(N_ITEMS) < difficulty
        gained = np.flatnonzero(~candidate & ~incumbent)
        candidate[rng.choice(gained, min(len(gained), round(gain * N_ITEMS)), replace=False)] = True
        yield p_of(candidate, incumbent)


def p_of(candidate: NDArray[np.bool_], incumbent: NDArray[np.bool_]) -> float:
    return known_p(int((candidate > incumbent).sum()), int((candidate < incumbent).sum()))


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, pytest.param(30, marks=pytest.mark.drill)])
@trials(1_500, 10_000)
def test_the_best_of_equal_candidates_is_called_better_within_alpha(n_trials: int, n: int) -> None:
    rng = np.random.default_rng(37)
    hits = plain = 0
    for _ in range(n_trials):
        values = list(p_values(rng, n))
        hits += any(p <= level_of(ALPHA, number) for number, p in enumerate(values, 1))
        plain += any(p <= ALPHA for p in values)
    assert clopper_pearson(hits, n_trials, 0.001)[1] <= ALPHA
    assert clopper_pearson(plain, n_trials, 0.001)[0] > ALPHA  # without the budget


@pytest.mark.slow
@trials(200, 4_000)
def test_the_third_candidate_loses_little_power(n_trials: int) -> None:
    rng = np.random.default_rng(38)
    values = np.array([p for _ in range(n_trials) for p in p_values(rng, 1, 0.2)])
    power = [float((values <= level).mean()) for level in (ALPHA, level_of(ALPHA, 3))]
    assert power[0] >= 0.95
    assert power[1] >= 0.75
