"""Whole rollouts through the tables: gateway, observations, looks and steps, hour by hour."""

import logging
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from bench.rollout.simulated_hours import SimulatedTraffic, write_hour
from bench.rollout.traffic import Traffic, draw_values
from bench.rollout.trials import DWELL, MAX_HOLD, STAGES
from monitor.settings import Gates, Judge, Scoring, Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.migrations import upgrade
from monitor.store.training import candidate_evaluations as evaluations
from monitor.store.training.candidate_results import CandidateResults
from monitor.store.training.registry import version_by_id
from monitor.store.training.weights_identity import WeightsIdentity
from monitor.telemetry import configure_logging
from retrain.evaluation.gate_result import conclude
from retrain.evaluation.request import EvaluationRequest
from retrain.models.source import Source
from retrain.registry.stages import register_version
from retrain.rollout.emergency.canary_probes import CanaryProbes
from retrain.rollout.gateways.in_process import InProcessGateway
from retrain.rollout.jobs.measurement import RolloutMeasurement
from retrain.rollout.jobs.rollouts import Rollouts
from retrain.rollout.measurement.starting_point import StartingPoint
from retrain.rollout.rows.events import list_events
from retrain.rollout.rows.measured_hours import fix_measurement
from retrain.rollout.rows.rollouts import RolloutRow, rollout_by_id
from retrain.rollout.transitions.promotion import promote_version
from retrain.rollout.transitions.start import start_rollout

MODEL = "simulated"
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
#: Until ingest has surely passed the end of an hour.
LATER = timedelta(minutes=11)


@dataclass(frozen=True)
class StoredRollout:
    """A rollout to run through a database."""

    traffic: Traffic
    seed: int


@dataclass(frozen=True)
class StoredOutcome:
    """The end of a rollout as the tables have it."""

    status: str
    #: Weight of the canary in force at the gateway, before the end.
    percent: int
    hours: int
    #: Whether the gateway has the weights of the end.
    is_applied: bool
    events: tuple[str, ...]

    def reverted_before(self, percent: int) -> bool:
        """Return whether it was reverted before a stage began."""
        return self.status == "reverted" and self.percent < percent


def run_stored_rollout(task: StoredRollout) -> StoredOutcome:
    """Run a rollout in a database of its own until it ends or asks a user."""
    configure_logging(json=False, level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="driftwarden-bench-") as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'bench.db'}")
        try:
            upgrade(engine)
            return _run(engine, task, Path(folder))
        finally:
            engine.dispose()


def _run(engine: Engine, task: StoredRollout, folder: Path) -> StoredOutcome:
    settings = Settings(
        model={"name": MODEL},
        rollout={
            "stages": list(STAGES),
            "min_dwell": DWELL,
            "max_hold": MAX_HOLD,
            "journal": str(folder / "journal"),
        },
    )
    gateway = InProcessGateway()
    daemon = Rollouts(
        engine=engine,
        settings=settings,
        gateway=gateway,
        next_look=RolloutMeasurement(engine, settings, START).next_look,
        probes=CanaryProbes(engine, gateway),
    )
    rollout = _start(engine, settings, gateway, daemon, task.traffic)
    rng = np.random.default_rng([20_261_129, task.seed])
    hours = percent = 0
    now = START
    while rollout.is_open and not _is_waiting(engine, rollout):
        percent = rollout.weight_percent
        with transaction(engine) as connection:
            write_hour(connection, _observed(rollout, task.traffic, hours), now, percent, rng)
        now += HOUR
        hours += 1
        daemon.look([settings], now + LATER)
        daemon.apply(now + LATER)
        with transaction(engine) as connection:
            rollout = rollout_by_id(connection, rollout.id)
    applied = gateway.read(MODEL)
    serves = rollout.version if rollout.status == "completed" else 1
    with transaction(engine) as connection:
        events = tuple(event.event for event in list_events(connection, rollout.id))
    return StoredOutcome(
        rollout.status,
        percent,
        hours,
        applied is not None and applied.stable == serves and applied.canary_percent == 0,
        events,
    )


def _start(
    engine: Engine,
    settings: Settings,
    gateway: InProcessGateway,
    daemon: Rollouts,
    traffic: Traffic,
) -> RolloutRow:
    """Start the rollout of a version that passed the gates, with the checks of the simulation."""
    with transaction(engine) as connection:
        stable, canary = (
            register_version(
                connection,
                model=MODEL,
                adapter_path=f"adapter {number}",
                adapter_digest=f"digest {number}",
                lineage={},
                now=START,
                identity=WeightsIdentity("", folders=(), hub="", recorded_at=START),
            )
            for number in (1, 2)
        )
        for version_id in (stable, canary):
            number = version_by_id(connection, version_id).version
            gateway.define(MODEL, number, f"version {number}: {{}}".format)
        serving = version_by_id(connection, stable)
        promote_version(connection, serving, START, by="bench", reason="first")
        evaluation = evaluations.insert_candidate_evaluation(
            connection,
            canary,
            launcher="bench",
            work_dir="nowhere",
            request=msgspec.to_builtins(_request()),
            file_digest="",
            planned_by="bench",
            now=START,
        )
        evaluations.mark_running(connection, evaluation, {"number": 1}, START)
        row = evaluations.candidate_evaluation_by_id(connection, evaluation)
        conclude(connection, row, _passed(), START)
    daemon.apply(START)
    with transaction(engine) as connection:
        rollout = start_rollout(connection, canary, settings, START, by="bench")
        fix_measurement(connection, rollout.id, StartingPoint(tuple(traffic.checks())).to_json())
    daemon.apply(START)
    with transaction(engine) as connection:
        return rollout_by_id(connection, rollout.id)


def _request() -> EvaluationRequest:
    """Return the request of an evaluation against the serving version."""
    base = Source(base="base")
    return EvaluationRequest(
        candidate=base,
        incumbent=Source(base="base", adapter="adapter 1"),
        base=base,
        base_prompt="",
        origin="",
        content="",
        gates=Gates().model_dump(mode="json"),
        scoring=Scoring().model_dump(mode="json"),
        judge=Judge().model_dump(mode="json"),
        seed=0,
    )


def _passed() -> CandidateResults:
    return CandidateResults(
        gate_result="promote",
        checks=(),
        comparisons=(),
        scores=(),
        remarks=(),
        dataset_digests={},
        policy=Gates().model_dump(mode="json"),
    )


def _is_waiting(engine: Engine, rollout: RolloutRow) -> bool:
    with transaction(engine) as connection:
        return any(event.event == "asked" for event in list_events(connection, rollout.id))


def _observed(rollout: RolloutRow, traffic: Traffic, since: int) -> SimulatedTraffic:
    def draw(
        rng: np.random.Generator, is_canary: NDArray[np.bool_], _users: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float64]]:
        user = np.arange(len(is_canary))
        values = draw_values(traffic, since, is_canary, user, rng)
        names = [check.metric for check in traffic.checks()]
        return dict(zip(names, values.T, strict=True))

    return SimulatedTraffic(
        rollout_id=rollout.id,
        model=MODEL,
        draw=draw,
        requests_per_hour=traffic.requests_an_hour,
    )
