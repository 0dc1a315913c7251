"""Level and power of the check on ratings; docs/explanation/gates.md has more trials."""

import numpy as np
import pytest
from scipy import stats

from bench.review.human_evaluation_trials import Truth, human_evaluation_trials
from tests.statistics.trials import trials


@pytest.mark.slow
@trials(8, 100)
def test_dimension_worse_by_margin_passes_in_5_percent(n_trials: int) -> None:
    matches = human_evaluation_trials((-0.25, 0, 0, 0), np.random.default_rng(3), n_trials=n_trials)
    # More than these would come about in one of a thousand runs were the level 5%.
    assert matches.first_passed <= stats.binom.isf(0.001, n_trials, 0.05)
    assert matches.covered >= stats.binom.ppf(0.001, n_trials, 0.94)


@pytest.mark.slow
@trials(16, 100)
def test_equal_candidate_is_rarely_failed_or_called_different(n_trials: int) -> None:
    matches = human_evaluation_trials((0, 0, 0, 0), np.random.default_rng(4), n_trials=n_trials)
    assert matches.failed <= stats.binom.isf(0.001, n_trials, 0.02)
    assert matches.called_different <= stats.binom.isf(0.001, n_trials, 0.05)
    assert matches.passed >= n_trials / 2


@pytest.mark.slow
@trials(8, 100)
def test_candidate_worse_on_one_dimension_is_failed(n_trials: int) -> None:
    matches = human_evaluation_trials((0, 0, -0.5, 0), np.random.default_rng(5), n_trials=n_trials)
    assert matches.passed == 0
    assert matches.failed >= 0.9 * n_trials


def test_systems_with_equal_responses_pass() -> None:
    truth = Truth(same=1.0)
    matches = human_evaluation_trials(
        (0, 0, 0, 0), np.random.default_rng(6), n_trials=3, truth=truth
    )
    assert matches.passed == 3
