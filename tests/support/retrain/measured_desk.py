"""A desk of rollouts whose looks are measured from simulated hours."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from bench.rollout.simulated_hours import (
    DrawMeasures,
    SimulatedTraffic,
    Texts,
    write_hour,
)
from monitor.scheduling.runner import DirectRunner
from monitor.settings import Settings
from monitor.store.engine import transaction
from retrain.rollout.jobs.measurement import RolloutMeasurement
from retrain.rollout.rows.rollouts import open_rollout
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.retrain.rollout_desk import MODEL, RolloutDesk, settings_of
from tests.support.traffic.observed_traffic import ingest

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 2, tzinfo=UTC)


class NamedEncoder(WordEncoder):
    identity = "words@1"


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


def measured_desk(
    engine: Engine,
    respond: Callable[[int], tuple[str, str]],
    settings: Settings | None = None,
    **rollout: object,
) -> RolloutDesk:
    """Return a desk whose looks are measured, after a day and a half of stable's traffic.

    Args:
        engine: The database.
        settings: Of the model; by default those of ``rollout``.
        respond: Returns prompt and response of stable's exchanges by their number.
        rollout: Settings.
    """
    settings = settings or settings_of(**rollout)
    desk = RolloutDesk(engine, NOW, settings)
    runner = DirectRunner(engine, settings.embedding, NamedEncoder)
    measurement = RolloutMeasurement(engine, settings, NOW, runner)
    desk.daemon = replace(desk.daemon, next_look=measurement.next_look)
    everything = Settings(model={"name": MODEL}, monitoring={"sample_rate": 1.0})
    past = []
    for number in range(400):
        moment = NOW - timedelta(hours=48) + number * timedelta(minutes=5)
        prompt, response = respond(number)
        value = {
            "id": f"past-{number}",
            "timestamp": moment.isoformat(),
            "prompt": prompt,
            "response": response,
            "metadata": {
                "model_version": "v1",
                "latency_seconds": 1.0 + number % 3,
                "resolved": number % 2 == 0,
                "cost": 0.2,
            },
        }
        past.append((b"k%d" % number, (), json.dumps(value).encode()))
    ingest(engine, everything, past, NOW)
    return desk


def run_hours(
    desk: RolloutDesk,
    hours: int,
    texts: Texts,
    draw: DrawMeasures = healthy,
    n_users: int = 900,
) -> None:
    """Write and look at hours with the weight that the gateway has."""
    rng = np.random.default_rng(3)
    for _ in range(hours):
        with transaction(desk.engine) as connection:
            rollout = open_rollout(connection, MODEL)
        if rollout is None:
            return
        traffic = SimulatedTraffic(
            rollout_id=rollout.id, model=MODEL, draw=draw, texts=texts, n_users=n_users
        )
        with transaction(desk.engine) as connection:
            write_hour(connection, traffic, desk.now, desk.in_force()[2], rng)
        desk.tick(HOUR)
        desk.now += timedelta(minutes=11)  # until ingest has passed the hour
        desk.look()
        desk.now -= timedelta(minutes=11)
