"""Experiments of two versions, measured and stopped by the daemon."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine

from bench.rollout.simulated_hours import DrawMeasures
from monitor.settings import Settings
from monitor.store.engine import transaction
from retrain.rollout.checks.check import SHARES
from retrain.rollout.experiments.design import ExperimentDesign
from retrain.rollout.experiments.life import start_experiment, stop_experiment
from retrain.rollout.rows.looks import spread_looks
from retrain.rollout.rows.rollouts import RolloutRow, list_rollouts
from retrain.rollout.transitions.stages import advance
from tests.support.refusals import refusal
from tests.support.retrain.measured_desk import healthy, measured_desk, run_hours
from tests.support.retrain.rollout_desk import MODEL, RolloutDesk

SETTINGS = Settings(
    model={"name": MODEL},
    drift={"higher_is_better": ["resolved"]},
    rollout={"embedded_per_hour": 0},
)
DESIGN = ExperimentDesign(goals=("resolved",), exposure_hours=2)


def respond(_number: int) -> tuple[str, str]:
    return "question", "response of some words " * 2


def texts(_arm: str, _measures: Mapping[str, float]) -> tuple[str, str]:
    return respond(0)


def resolving(control: float, treatment: float, errors: float = 0.003) -> DrawMeasures:
    """Return traffic with these rates of resolved requests, and errors of the treatment."""

    def draw(
        rng: np.random.Generator, is_canary: NDArray[np.bool_], users: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float64]]:
        chance = rng.random(len(is_canary))
        rate = np.where(is_canary, treatment, control)
        failing = np.where(is_canary, errors, 0.003)
        return {
            **healthy(rng, is_canary, users),
            "resolved": (chance < rate).astype(float),
            "errors": (rng.random(len(rate)) < failing).astype(float),
        }

    return draw


@pytest.fixture
def desk(engine: Engine) -> RolloutDesk:
    return measured_desk(engine, respond, SETTINGS)


def begin(desk: RolloutDesk, design: ExperimentDesign = DESIGN) -> RolloutRow:
    version_id = desk.register()
    with transaction(desk.engine) as connection:
        row = start_experiment(
            connection, version_id, SETTINGS, desk.now, by="lea", design=design, share=50
        )
    desk.tick()
    return row


def newest(desk: RolloutDesk) -> RolloutRow:
    with transaction(desk.engine) as connection:
        return list_rollouts(connection, MODEL)[0]


def test_a_better_treatment_is_shown_and_keeps_its_share(desk: RolloutDesk) -> None:
    row = begin(desk)
    run_hours(desk, 4, texts, resolving(0.5, 0.75), n_users=20_000)
    assert (newest(desk).status, desk.in_force()) == ("running", (1, 2, 50))
    with transaction(desk.engine) as connection:
        looks = spread_looks(connection, row.id, limit=1000)
    (goal,) = [check for check in looks[-1].checks if check.kind == "goal"]
    assert (goal.name, goal.verdict) == ("resolved", "better")
    assert (goal.lower or 0.0) < 0.25 < (goal.upper or 0.0)
    guards = {check.name for check in looks[-1].checks if check.kind == "guard"}
    assert guards == {"latency", *SHARES}
    with transaction(desk.engine) as connection:
        stop_experiment(connection, MODEL, desk.now, by="lea", reason="shown")
    desk.tick()
    assert (newest(desk).status, desk.in_force()) == ("reverted", (1, None, 0))
    assert desk.stage(newest(desk).version_id) == "candidate"


def test_a_broken_guard_stops_the_experiment(desk: RolloutDesk) -> None:
    begin(desk)
    run_hours(desk, 4, texts, resolving(0.5, 0.9, errors=0.2), n_users=20_000)
    assert (newest(desk).status, desk.in_force()) == ("reverted", (1, None, 0))
    assert "errors worse" in newest(desk).reason


def test_equal_versions_stay_undecided_and_users_count_once(desk: RolloutDesk) -> None:
    row = begin(desk)
    # Users who come back each hour: counted once, when their two hours are over.
    run_hours(desk, 5, texts, resolving(0.5, 0.5), n_users=300)
    with transaction(desk.engine) as connection:
        looks = spread_looks(connection, row.id, limit=1000)
    pairs = [look.checks[0].n_pairs for look in looks]
    assert 0 == pairs[0] < pairs[1] <= 150
    assert pairs[1] == pairs[4]
    verdicts = {check.verdict for look in looks for check in look.checks}
    assert {"undecided", "equivalent"} >= verdicts


def test_an_experiment_needs_known_metrics_and_has_no_stages(desk: RolloutDesk) -> None:
    with refusal("unknown_metric"):
        begin(desk, ExperimentDesign(goals=("happiness",)))
    row = begin(desk)
    with transaction(desk.engine) as connection, refusal("no_stages"):
        advance(connection, row.id, desk.now, by="lea", reason="now")
    with refusal("rollout_running"):
        begin(desk)
