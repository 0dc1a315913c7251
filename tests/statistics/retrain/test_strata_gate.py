"""Errors of the gate of strata: losses that aren't there, and lost intents that pass."""

import numpy as np
import pytest
from scipy import stats

from bench.retrain.strata_trials import Layout, outcomes
from tests.statistics.trials import trials

#: Many small intents, few large ones, and as CLINC150 has them.
LAYOUTS = [Layout(60, 3), Layout(15, 10), Layout(6, 50), Layout(150, 4)]


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("copied", [0.95, 0.0])
@trials(12, 400)
def test_an_honest_candidate_seldom_fails_or_stays_undecided(
    n_trials: int, copied: float, layout: Layout
) -> None:
    """With few changed responses hardly ever; with new ones to all items within the level."""
    rng = np.random.default_rng([91, layout.n_intents, n_trials])
    matches = outcomes(layout, rng, n_trials=n_trials, copied=copied)
    most = (0.005, 0.005) if copied else (0.05, 0.05)
    for outcome, rate in zip(("failed", "undecided"), most, strict=True):
        assert matches[outcome] <= stats.binom.ppf(0.999, n_trials, rate), matches


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "n_lost", "failed", "passed"),
    [(Layout(15, 10), 8, 0.9, 0.0), (Layout(60, 10), 8, 0.9, 0.0), (Layout(60, 3), 3, 0.0, 0.02)],
)
@trials(12, 200)
def test_a_lost_intent_hardly_passes(
    n_trials: int, layout: Layout, n_lost: int, failed: float, passed: float
) -> None:
    """Eight of ten items fail mostly and never pass; three of three are mostly undecided."""
    rng = np.random.default_rng([92, layout.n_intents, n_trials])
    matches = outcomes(layout, rng, n_trials=n_trials, lost=n_lost)
    assert matches["passed"] <= stats.binom.ppf(0.999, n_trials, passed), matches
    assert matches["failed"] >= stats.binom.ppf(0.001, n_trials, failed), matches
