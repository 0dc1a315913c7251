"""Rollouts with an in-process gateway, scripted looks and a clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.training import registry as versions
from monitor.store.training.weights_identity import WeightsIdentity
from retrain.registry.stages import register_version
from retrain.rollout.checks.decision import Action
from retrain.rollout.emergency.canary_probes import CanaryProbes
from retrain.rollout.gateways.in_process import InProcessGateway
from retrain.rollout.jobs.rollouts import Rollouts
from retrain.rollout.plan import RolloutPlan
from retrain.rollout.rows import rollouts, weights
from retrain.rollout.rows.events import list_events
from retrain.rollout.rows.looks import HOUR, Look, newest_look
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.rows.weights import WeightsRow
from retrain.rollout.transitions.promotion import promote_version
from retrain.rollout.transitions.start import start_rollout
from tests.support.retrain.candidates import evaluated
from tests.support.retrain.weights import record_without_files

MODEL = "desk"


def settings_of(model: str = MODEL, **rollout: object) -> Settings:
    """Return the settings of a model, with stages of some hours."""
    times = {"min_dwell": "4h", "max_hold": "4h", "holdback_time": "4h"}
    return Settings(model={"name": model}, rollout={**times, **rollout})


@dataclass
class ScriptedLooks:
    """Looks hour by hour whose action a function of the rollout decides."""

    engine: Engine
    #: Called with the rollout and the end of the hour.
    decide: Callable[[RolloutRow, datetime], Action]
    reason: str = "as scripted"

    def __call__(self, rollout: RolloutRow, plan: RolloutPlan, now: datetime) -> Look | None:
        with transaction(self.engine) as connection:
            newest = newest_look(connection, rollout.id)
        first = rollout.started_at.replace(minute=0, second=0, microsecond=0)
        hour = newest.hour + HOUR if newest else first
        if hour + HOUR > now:
            return None
        action = self.decide(rollout, hour + HOUR)
        return Look(
            rollout_id=rollout.id,
            hour=hour,
            stage=rollout.stage,
            weight_percent=rollout.weight_percent,
            n_canary=100,
            n_stable=400,
            seen_share=0.05,
            checks=(),
            action=action,
            reason=self.reason,
            looked_at=now,
            evidence={"version": 1},
        )


def advance_in_time(plan_time: timedelta) -> Callable[[RolloutRow, datetime], Action]:
    """Return decisions of a healthy canary: advance when the time of the stage is over."""

    def decide(rollout: RolloutRow, end: datetime) -> Action:
        return "advance" if end >= rollout.stage_started_at + plan_time else "wait"

    return decide


@dataclass
class RolloutDesk:
    """A model with a serving version 1 and candidates that passed the gates."""

    engine: Engine
    now: datetime
    settings: Settings = field(default_factory=settings_of)
    gateway: InProcessGateway = field(default_factory=InProcessGateway)
    action: Action | None = None
    #: Weights that the gateway has had, in order.
    seen: list[tuple[int, int | None, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        healthy = advance_in_time(self.settings.rollout.min_dwell)
        self.looks = ScriptedLooks(self.engine, lambda row, end: self.action or healthy(row, end))
        self.daemon = Rollouts(
            engine=self.engine,
            settings=self.settings,
            gateway=self.gateway,
            next_look=self.looks,
            probes=CanaryProbes(self.engine, self.gateway),
        )
        self.serving = self.register(gates=False)
        with transaction(self.engine) as connection:
            version = versions.version_by_id(connection, self.serving)
            promote_version(connection, version, self.now, by="lea", reason="first")
        self.tick()

    @property
    def model(self) -> str:
        """The model."""
        return self.settings.model.name

    def register(self, *, gates: bool = True, identity: WeightsIdentity | None = None) -> int:
        """Register a version with a backend, and return its id; its record names no file."""
        with transaction(self.engine) as connection:
            version_id = register_version(
                connection,
                model=self.model,
                adapter_path="a",
                adapter_digest="d",
                lineage={},
                now=self.now,
                identity=identity or record_without_files(self.now),
            )
            if gates:
                evaluated(connection, version_id, self.now)
            number = versions.version_by_id(connection, version_id).version
        self.gateway.define(self.model, number, lambda _prompt: f"version {number}")
        return version_id

    def start(self, version_id: int | None = None) -> RolloutRow:
        """Start the rollout of a version, a new one where none is named."""
        version_id = version_id or self.register()
        with transaction(self.engine) as connection:
            return start_rollout(connection, version_id, self.settings, self.now, by="lea")

    def apply(self) -> None:
        """Run the jobs that apply weights and probe canaries."""
        self.daemon.apply(self.now)
        self.daemon.probe(self.now)
        self._note()

    def look(self) -> None:
        """Run the job that looks."""
        self.daemon.look([self.settings], self.now)
        self._note()

    def tick(self, later: timedelta = timedelta(0)) -> None:
        """Run both jobs after some time."""
        self.now += later
        self.apply()
        self.look()

    def run_hours(self, hours: int) -> None:
        """Run both jobs each hour."""
        for _ in range(hours):
            self.tick(HOUR)

    def rollout(self) -> RolloutRow:
        """Return the model's newest rollout."""
        with transaction(self.engine) as connection:
            row = rollouts.newest_rollout(connection, self.model)
        assert row is not None
        return row

    def weights(self) -> WeightsRow:
        """Return the wanted weights."""
        with transaction(self.engine) as connection:
            row = weights.newest_weights(connection, self.model)
        assert row is not None
        return row

    def events(self) -> list[str]:
        """Return the events of the newest rollout."""
        rollout = self.rollout()
        with transaction(self.engine) as connection:
            return [row.event for row in list_events(connection, rollout.id)]

    def stage(self, version_id: int) -> str:
        """Return the stage of a version in the registry."""
        with transaction(self.engine) as connection:
            return versions.version_by_id(connection, version_id).stage

    def in_force(self) -> tuple[int, int | None, int]:
        """Return stable version, canary and its share at the gateway."""
        applied = self.gateway.read(self.model)
        assert applied is not None
        return applied.stable, applied.canary, applied.canary_percent

    def _note(self) -> None:
        if not self.gateway.available or self.gateway.read(self.model) is None:
            return
        if not self.seen or self.seen[-1] != self.in_force():
            self.seen.append(self.in_force())
