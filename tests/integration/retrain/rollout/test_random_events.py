"""Random events, crashes and gateways that fail: no stage is skipped, and no revert is lost."""

import random
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine

from monitor.errors import StaleWeightsError, TransientError, WorkflowError
from monitor.store.engine import transaction
from monitor.store.training.registry import version_by_id
from retrain.rollout.gateways.in_process import InProcessGateway
from retrain.rollout.gateways.protocol import Weights
from retrain.rollout.rows.events import list_events
from retrain.rollout.rows.looks import HOUR
from retrain.rollout.rows.rollouts import list_rollouts
from retrain.rollout.rows.weights import weights_of_rollout
from retrain.rollout.states import target_of
from retrain.rollout.transitions.revert import revert_rollout
from retrain.rollout.transitions.stages import advance, pause, resume
from retrain.rollout.weights import GENERATIONS_AHEAD, as_weights
from tests.support.retrain.rollout_desk import RolloutDesk, settings_of

STAGES = [5, 25, 50, 99]
STEPS = 150


class Crash(BaseException):
    """The process is killed at this point."""


class FragileGateway(InProcessGateway):
    """A gateway at which a process may be killed, before or after it has set the weights."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.draws = rng
        self.fragile = True
        #: Everything that was ever in force: generation, canary and share.
        self.history: list[tuple[int, int | None, int]] = []

    def set(self, weights: Weights) -> None:
        fate = self.draws.random() if self.fragile else 1.0
        if fate < 0.1:
            raise Crash
        if fate < 0.2:
            raise TransientError("the gateway is away")
        super().set(weights)
        self.history.append((weights.generation, weights.canary, weights.canary_percent))
        if fate < 0.3:
            raise Crash


class Chaos:
    """A desk to which random things happen."""

    def __init__(self, engine: Engine, now: datetime, seed: int) -> None:
        self.rng = random.Random(seed)
        self.gateway = FragileGateway(self.rng)
        self.gateway.fragile = False
        settings = settings_of(min_dwell="2h", holdback_time="2h", journal="none")
        self.desk = RolloutDesk(engine, now, settings, self.gateway)
        self.desk.start()
        self.gateway.fragile = True
        self.earlier: list[Weights] = [as_weights(self.desk.weights())]
        #: Rollouts that a user or a look has reverted: rows, or the gateway alone.
        self.reverted: set[int] = set()

    def step(self) -> None:
        """Let one thing happen; a crash ends it anywhere."""
        event = self.rng.choice(
            ["tick"] * 60
            + ["start"] * 9
            + ["resume"] * 9
            + ["pause", "advance", "revert", "worse", "frozen leader", "restart"]
            + ["gateway alone", "changed by hand", "hold"]
        )
        with suppress(Crash, WorkflowError, TransientError, StaleWeightsError):
            getattr(self, event.replace(" ", "_"))()

    def tick(self) -> None:
        self.earlier.append(as_weights(self.desk.weights()))
        self.desk.tick(timedelta(minutes=self.rng.choice([1, 30, 60, 90])))

    def start(self) -> None:
        self.desk.start()

    def pause(self) -> None:
        self._change(pause)

    def resume(self) -> None:
        self._change(resume)

    def advance(self) -> None:
        rollout = self.desk.rollout()
        with transaction(self.desk.engine) as connection:
            advance(connection, rollout.id, self.desk.now, by="lea", reason="x")

    def revert(self) -> None:
        rollout = self._change(revert_rollout)
        self.reverted.add(rollout.id)

    def worse(self) -> None:
        rollout = self.desk.rollout()
        self.desk.action = "revert"
        try:
            self.desk.tick(HOUR)
        finally:
            self.desk.action = None
            after = self.desk.rollout()
            if rollout.is_open and after.id == rollout.id and after.status == "reverted":
                self.reverted.add(rollout.id)

    def hold(self) -> None:
        self.desk.action = "hold"
        try:
            self.desk.tick(HOUR)
        finally:
            self.desk.action = None

    def frozen_leader(self) -> None:
        """A leader that was frozen sends what it had read long ago."""
        self.gateway.set(self.rng.choice(self.earlier))

    def restart(self) -> None:
        """The gateway is started again, and has forgotten nothing, or everything."""
        applied = self.gateway.read("desk")
        followed = applied is None or applied.generation <= self.desk.weights().generation
        if followed and self.rng.random() < 0.5:
            self.gateway._weights.clear()

    def gateway_alone(self) -> None:
        """Revert without the database."""
        applied = self.gateway.read("desk")
        if applied is None or applied.canary is None:
            return
        rollout = self.desk.rollout()
        ahead = applied.generation + GENERATIONS_AHEAD
        self.gateway.set(Weights("desk", applied.stable, None, 0, ahead))
        self.reverted.add(rollout.id)

    def changed_by_hand(self) -> None:
        applied = self.gateway.read("desk")
        if applied is not None:
            self.gateway._weights["desk"] = replace(
                self.gateway._weights["desk"], canary=None, canary_percent=0
            )

    def _change(self, change: Any) -> Any:
        rollout = self.desk.rollout()
        with transaction(self.desk.engine) as connection:
            return change(connection, rollout.id, self.desk.now, by="lea", reason="by hand")


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.drill) for seed in range(2, 60))]
)
def test_random_events_skip_no_stage_and_lose_no_revert(
    engine: Engine, clock: datetime, seed: int
) -> None:
    chaos = Chaos(engine, clock, seed)
    for _ in range(STEPS):
        chaos.step()
    chaos.gateway.fragile = False
    chaos.desk.tick(timedelta(minutes=1))
    chaos.desk.tick(timedelta(minutes=1))
    row = chaos.desk.weights()
    applied = chaos.gateway.read("desk")
    assert applied is not None
    assert applied.matches(as_weights(row))

    with transaction(engine) as connection:
        rollouts = list_rollouts(connection, limit=1000)
        weights = {row.id: weights_of_rollout(connection, row.id) for row in rollouts}
        events = {rollout.id: list_events(connection, rollout.id) for rollout in rollouts}
    for rollout in rollouts:
        # Each step is one that the table allows, from the status before.
        status = None
        for event in events[rollout.id]:
            assert event.from_status == status
            assert target_of(event.event, status) == event.to_status  # type: ignore[arg-type]
            status = event.to_status
        assert status == rollout.status
        # Each stage is confirmed before the next is wanted.
        own = weights[rollout.id]
        percents = [row.canary_percent for row in own if row.canary_percent]
        stages = [p for n, p in enumerate(percents) if n == 0 or percents[n - 1] != p]
        assert stages == STAGES[: len(stages)]
        for earlier, later in pairwise(own):
            if later.canary_percent > earlier.canary_percent:
                assert earlier.confirmed_at is not None
        if rollout.status == "completed":
            assert stages == STAGES
        if rollout.id in chaos.reverted and rollout.status != "reverted":
            # A user who knew nothing of it completed the rollout before the daemon noticed.
            with transaction(engine) as connection:
                assert version_by_id(connection, rollout.version_id).stage == "archived"
    if seed == 0:
        assert {rollout.status for rollout in rollouts} >= {"completed", "reverted"}
