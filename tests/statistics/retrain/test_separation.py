"""Retention on benchmarks that just may count: candidates that forgot don't pass."""

import numpy as np
import pytest
from scipy import stats

from bench.retrain.separation import SIZES, false_passes
from retrain.evaluation.gates.separation import MARGINS
from tests.statistics.trials import trials

#: The number of margins was chosen with other seeds.
SEED = 3


@pytest.mark.slow
@trials(20, 200)
@pytest.mark.parametrize("gate", ["bound", "point"])
@pytest.mark.parametrize("forgotten", [1.0, 0.5])
def test_candidates_that_forgot_seldom_pass(n_trials: int, forgotten: float, gate: str) -> None:
    rng = np.random.default_rng([SEED, int(10 * forgotten)])
    passed = sum(
        false_passes(forgotten, MARGINS, rng, n_trials=n_trials, n=n, gate=gate) for n in SIZES
    )
    assert passed <= stats.binom.ppf(0.999, n_trials * len(SIZES), 0.05)


@pytest.mark.slow
@trials(20, 200)
def test_candidates_that_forgot_nothing_mostly_pass(n_trials: int) -> None:
    rng = np.random.default_rng(SEED)
    passed = false_passes(0.0, MARGINS + 4, rng, n_trials=n_trials, n=400, gate="bound")
    assert passed >= stats.binom.ppf(0.001, n_trials, 0.9)
