"""Level and power of whole rollouts; `make bench AREA=rollout` measures them with intervals."""

import numpy as np
import pytest
from scipy import stats

from bench.rollout.returning import Population
from bench.rollout.traffic import Traffic
from bench.rollout.trials import Trial, run_rollout
from monitor.statistics.betting import (
    add_fitted_stake,
    initial_fitted_logarithms,
    log_growth,
    log_wealth,
)
from retrain.rollout.checks.forecast import pairs_to_show
from tests.statistics.trials import trials


def outcomes_of(traffic: Traffic | Population, n_trials: int, until: int | None = None):
    return [run_rollout(Trial(traffic, seed, until)) for seed in range(n_trials)]


@pytest.mark.slow
@trials(2, 100)
def test_equal_version_is_rarely_reverted(n_trials: int) -> None:
    outcomes = outcomes_of(Traffic(), n_trials, until=25)
    reverted = sum(outcome.end == "revert" for outcome in outcomes)
    assert reverted <= stats.binom.ppf(0.999, n_trials, 0.05)


@trials(2, 100)
def test_worse_version_is_reverted_within_hours(n_trials: int) -> None:
    outcomes = outcomes_of(Traffic(canary={"resolved": 0.81}), n_trials, until=25)
    assert all(outcome.reverted_before(25) for outcome in outcomes)
    assert np.median([outcome.hours for outcome in outcomes]) <= 8


@trials(2, 50)
def test_late_feedback_alone_reverts(n_trials: int) -> None:
    outcomes = outcomes_of(Traffic(feedback=0.1, canary={"feedback": 0.6}), n_trials)
    assert all(outcome.end == "revert" for outcome in outcomes)
    assert {("feedback",)} == {outcome.reasons for outcome in outcomes}


@pytest.mark.slow
@trials(2, 50)
def test_returning_users_of_equal_versions_revert_rarely(n_trials: int) -> None:
    population = Population(n_users=400, activity=0.3)
    outcomes = outcomes_of(population, n_trials, until=25)
    reverted = sum(outcome.end == "revert" for outcome in outcomes)
    assert reverted <= stats.binom.ppf(0.999, n_trials, 0.05)


def test_forecast_is_reached_in_four_of_five_cases() -> None:
    rng = np.random.default_rng(0)
    n = pairs_to_show(0.01, 0.02 * 0.98 * 1.25, 0.05)
    margin, n_trials, steps = np.full(1, 0.01), 60, 20
    reached = 0
    for _ in range(n_trials):
        logs, best = initial_fitted_logarithms(1), -np.inf
        for _ in range(steps):
            canary = rng.random((n // steps, 1)) < 0.02
            stable = (rng.random((n // steps, 4)) < 0.02).mean(axis=1, keepdims=True)
            differences = canary - stable
            stakes = add_fitted_stake(margin, np.full(1, 0.02 * 0.98 * 1.25))
            logs = logs + log_growth(-differences, -margin, stakes=stakes)
            best = max(best, float(log_wealth(logs)[0]))
        reached += best >= np.log(20)
    assert (
        stats.binom.ppf(0.001, n_trials, 0.7) <= reached <= stats.binom.ppf(0.999, n_trials, 0.92)
    )
