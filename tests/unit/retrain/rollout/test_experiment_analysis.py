import numpy as np
import pytest

from retrain.rollout.checks.check import share_check
from retrain.rollout.checks.observations import Observations, no_observations
from retrain.rollout.experiments.analysis import (
    completed_users,
    create_experiment,
    experiment_verdict,
    metric_results,
    update_experiment,
)
from tests.support.retrain.rollout_hours import START, draw_requests, rate_check


def requests_of(*rows: tuple[int, bool, int, float]) -> Observations:
    hour, is_canary, user, value = (np.array(column) for column in zip(*rows, strict=True))
    return Observations(
        hour, is_canary, user, np.zeros(len(rows), dtype=np.int64), value[:, None].astype(float)
    )


def run_experiment(goal: tuple[float, float], guard: tuple[float, float] = (0.02, 0.02)):
    experiment = create_experiment([rate_check()], [share_check("errors", level=0.02)])
    rng = np.random.default_rng(0)
    for hour in range(60):
        users = draw_requests(goal, rng, hour=hour, n_stable=60, n_canary=60, n_metrics=2)
        users.values[:, 1] = rng.random(120) < np.where(users.is_canary, guard[1], guard[0])
        experiment = update_experiment(experiment, START + hour, users)
    return metric_results(experiment)


def test_user_completes_once_with_requests_of_its_exposure() -> None:
    requests = requests_of(
        (10, True, 1, 1.0), (12, True, 1, 0.0), (13, True, 1, 0.0), (11, False, 2, 1.0)
    )
    users = completed_users(requests, look_hour=12, exposure_hours=3)
    assert users.hour.tolist() == [10, 10]
    assert users.values[:, 0].tolist() == [1.0, 0.0]
    assert not len(completed_users(requests, look_hour=14, exposure_hours=3))


def test_users_of_both_versions_and_unknown_users_are_left_out() -> None:
    requests = requests_of((10, True, 1, 1.0), (10, False, 1, 1.0), (10, True, -1, 1.0))
    assert not len(completed_users(requests, look_hour=10, exposure_hours=1))
    assert not len(completed_users(no_observations(1), 10, 1))


@pytest.mark.parametrize(
    ("treatment", "verdict"), [(0.95, "better"), (0.8, "worse"), (0.9, "equivalent")]
)
def test_goal_decides_the_verdict(treatment: float, verdict: str) -> None:
    results = run_experiment((0.9, treatment))
    goal = results[0]
    assert goal.difference == pytest.approx(treatment - 0.9, abs=0.02)
    assert goal.lower is not None
    assert goal.upper is not None
    assert goal.lower <= treatment - 0.9 <= goal.upper
    assert experiment_verdict(results) == verdict


def test_broken_guard_outranks_a_better_goal() -> None:
    results = run_experiment((0.9, 0.99), (0.02, 0.12))
    assert [result.verdict for result in results] == ["better", "worse"]
    assert experiment_verdict(results) == "guard_broken"
    assert results[1].difference == pytest.approx(0.1, abs=0.03)


def test_few_users_are_undecided() -> None:
    experiment = create_experiment([rate_check()])
    users = draw_requests((0.9, 0.8), np.random.default_rng(0), n_stable=5, n_canary=5)
    results = metric_results(update_experiment(experiment, START, users))
    assert experiment_verdict(results) == "undecided"


def test_experiment_without_goal_is_refused() -> None:
    with pytest.raises(ValueError, match="goal"):
        create_experiment([], [rate_check()])
