"""The daemon measures a rollout's observations and acts on them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from monitor.daemon.rollout_measurement import RolloutMeasurement
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.rollouts.looks import list_looks
from monitor.store.rollouts.measured_hours import measurement_of
from monitor.store.tables import RolloutScore
from retrain.rollout.measurement.simulated_hours import SimulatedTraffic, Texts, write_hour
from tests.support.retrain.rollout_desk import MODEL, RolloutDesk, settings_of
from tests.support.traffic.observed_traffic import ingest

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def healthy(
    rng: np.random.Generator, is_canary: NDArray[np.bool_], _users: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    n = len(is_canary)
    zeros = np.zeros(n)
    rare = (rng.random(n) < 0.003).astype(float)
    return {
        "errors": rare,
        "refusals": zeros,
        "truncation": zeros,
        "empty": zeros,
        "latency": rng.gamma(2.0, 0.5, size=n),
        "length": rng.gamma(9.0, 4.0, size=n),
    }


def measured_desk(engine: Engine, **rollout: object) -> RolloutDesk:
    """Return a desk whose looks are measured, after two days of stable's traffic as JSON."""
    settings = settings_of(**rollout)
    desk = RolloutDesk(engine, NOW, settings)
    measurement = RolloutMeasurement(engine, settings, NOW)
    desk.daemon = replace(desk.daemon, next_look=measurement.next_look)
    everything = Settings(model={"name": MODEL}, monitoring={"sample_rate": 1.0})
    past = []
    for number in range(400):
        moment = NOW - timedelta(hours=48) + number * timedelta(minutes=5)
        value = {
            "id": f"past-{number}",
            "timestamp": moment.isoformat(),
            "prompt": "Which intent?",
            "response": json.dumps({"intent": f"intent {number % 7}", "sure": True}),
            "metadata": {"model_version": "v1", "latency_seconds": 1.0 + number % 3},
        }
        past.append((b"k%d" % number, (), json.dumps(value).encode()))
    ingest(engine, everything, past, NOW)
    return desk


def run_hours(desk: RolloutDesk, hours: int, texts: Texts) -> None:
    """Write and look at hours with the weight that the gateway has."""
    rng = np.random.default_rng(3)
    for _ in range(hours):
        rollout = desk.rollout()
        if not rollout.is_open:
            return
        traffic = SimulatedTraffic(
            rollout_id=rollout.id, model=MODEL, draw=healthy, texts=texts, n_users=900
        )
        with transaction(desk.engine) as connection:
            write_hour(connection, traffic, desk.now, desk.in_force()[2], rng)
        desk.tick(HOUR)
        desk.now += timedelta(minutes=11)  # until ingest has passed the hour
        desk.look()
        desk.now -= timedelta(minutes=11)


def as_json(_arm: str, _measures: Mapping[str, float]) -> tuple[str, str]:
    return "Which intent?", '{"intent": "intent 1", "sure": true}'


def prose_of_canary(arm: str, measures: Mapping[str, float]) -> tuple[str, str]:
    return as_json(arm, measures) if arm == "stable" else ("Which intent?", "It is intent 1.")


def test_a_canary_without_the_output_format_is_reverted(engine: Engine) -> None:
    desk = measured_desk(engine)
    canary = desk.register()
    desk.start(canary)
    desk.tick()
    run_hours(desk, 5, prose_of_canary)
    rollout = desk.rollout()
    assert ("reverted", "candidate") == (rollout.status, desk.stage(canary))
    assert (1, None, 0) == desk.in_force()
    with transaction(engine) as connection:
        looks = list_looks(connection, rollout.id)
        document = measurement_of(connection, rollout.id)
        scores = list(connection.execute(select(RolloutScore.name)).scalars())
    assert document is not None
    assert {"": {"json": ["intent", "sure"]}} == document["formats"]
    assert "revert" == looks[-1].action
    assert sum(look.n_canary for look in looks) == len(scores) > 50


@pytest.mark.drill
def test_an_equal_canary_reaches_all_traffic(engine: Engine) -> None:
    desk = measured_desk(engine, min_dwell="24h", stages=[25, 50, 100])
    canary = desk.register()
    desk.start(canary)
    desk.tick()
    run_hours(desk, 80, as_json)
    assert ("completed", "production") == (desk.rollout().status, desk.stage(canary))
