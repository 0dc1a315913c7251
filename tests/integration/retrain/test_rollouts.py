"""Rollouts on both databases: the row first, then the gateway, with the same end after kills."""

from datetime import datetime

import pytest
from sqlalchemy import Engine

from monitor.errors import TransientError
from monitor.settings import Rollout
from monitor.store.engine import transaction
from monitor.store.training import registry as versions
from monitor.store.training import rollouts as store
from monitor.store.training.registry import VersionRow
from monitor.store.training.rollouts import RolloutRow
from retrain.registry.stages import move_stage, promote, register_version, roll_back
from retrain.rollout.gateways.protocol import Weights
from retrain.rollout.gateways.record_only import RecordOnlyGateway
from retrain.rollout.policy import Health, HealthCheck
from retrain.rollout.rollouts import start_rollout, tick_rollouts
from tests.support.refusals import refusal
from tests.support.retrain.candidates import evaluated

SETTINGS = Rollout()
DWELL = SETTINGS.min_dwell


class RecordingGateway(RecordOnlyGateway):
    """A gateway that records its weights and may be unavailable."""

    def __init__(self) -> None:
        self.applied: dict[str, Weights] = {}
        self.away = False

    def set(self, weights: Weights) -> None:
        if self.away:
            raise TransientError("the gateway is away")
        self.applied[weights.model] = weights

    def percent(self, model: str = "desk") -> int:
        return self.applied[model].canary_percent


def healthy(_rollout: RolloutRow, _version: VersionRow) -> Health:
    return Health(500, (HealthCheck("errors", True),))


def failing(_rollout: RolloutRow, _version: VersionRow) -> Health:
    return Health(3, (HealthCheck("errors", False, "9% against 1%"),))


def no_health_measured(_rollout: RolloutRow, _version: VersionRow) -> Health:
    return Health(500, (HealthCheck("errors", None),))


def register(engine: Engine, now: datetime, model: str = "desk") -> int:
    """Register a candidate that passed the gates."""
    with transaction(engine) as connection:
        version = register_version(
            connection, model=model, adapter_path="a", adapter_digest="d", lineage={}, now=now
        )
        evaluated(connection, version, now)
    return version


def make_canary(engine: Engine, now: datetime, model: str = "desk") -> tuple[int, int]:
    """Return the ids of a rollout and its canary."""
    with transaction(engine) as connection:
        if versions.production_version(connection, model) is None:
            serving = register_version(
                connection, model=model, adapter_path="a", adapter_digest="d", lineage={}, now=now
            )
            promote(connection, serving, changed_by="lea", reason="first", now=now)
    canary = register(engine, now, model)
    with transaction(engine) as connection:
        return start_rollout(connection, canary, SETTINGS, now, by="lea"), canary


def state(engine: Engine, rollout_id: int) -> tuple[str, int, str]:
    with transaction(engine) as connection:
        rollout = store.rollout_by_id(connection, rollout_id)
        version = versions.version_by_id(connection, rollout.version_id)
        return rollout.status, rollout.weight_percent, version.stage


def test_a_healthy_canary_takes_over_step_by_step(any_engine: Engine, clock: datetime) -> None:
    gateway = RecordingGateway()
    rollout, canary = make_canary(any_engine, clock)
    tick_rollouts(any_engine, lambda _: SETTINGS, gateway, healthy, clock)
    assert gateway.applied["desk"] == Weights("desk", 1, 2, 5, generation=0)
    for number, percent in enumerate((25, 50), start=1):
        tick_rollouts(any_engine, lambda _: SETTINGS, gateway, healthy, clock + number * DWELL)
        assert gateway.percent() == percent
        # Looking again at once changes nothing: each step has its own 48 hours.
        tick_rollouts(any_engine, lambda _: SETTINGS, gateway, healthy, clock + number * DWELL)
        assert gateway.percent() == percent
    tick_rollouts(any_engine, lambda _: SETTINGS, gateway, healthy, clock + 3 * DWELL)
    assert state(any_engine, rollout) == ("completed", 100, "production")
    assert gateway.applied["desk"] == Weights("desk", 2, None, 0, generation=0)
    with transaction(any_engine) as connection:
        moves = [m.to_stage for m in versions.stage_changes(connection, canary)]
        assert moves == ["canary", "production"]
        assert versions.version_by_number(connection, "desk", 1).stage == "archived"


def test_a_failed_check_takes_everything_back_at_once(any_engine: Engine, clock: datetime) -> None:
    gateway = RecordingGateway()
    rollout, canary = make_canary(any_engine, clock)
    tick_rollouts(any_engine, lambda _: SETTINGS, gateway, healthy, clock + DWELL)
    (tick,) = tick_rollouts(any_engine, lambda _: SETTINGS, gateway, failing, clock + DWELL)
    assert tick.step.reason == "errors failed: 9% against 1%"
    assert state(any_engine, rollout) == ("reverted", 0, "rejected")
    assert gateway.applied["desk"] == Weights("desk", 1, None, 0, generation=0)
    assert tick_rollouts(any_engine, lambda _: SETTINGS, gateway, healthy, clock + 9 * DWELL) == []
    with transaction(any_engine) as connection, refusal("stage_transition"):
        start_rollout(connection, canary, SETTINGS, clock, by="lea")


def test_what_is_not_measured_is_held(any_engine: Engine, clock: datetime) -> None:
    gateway = RecordingGateway()
    rollout, _ = make_canary(any_engine, clock)
    tick_rollouts(any_engine, lambda _: SETTINGS, gateway, no_health_measured, clock + 9 * DWELL)
    assert state(any_engine, rollout) == ("holding", 5, "canary")
    tick_rollouts(any_engine, lambda _: SETTINGS, gateway, healthy, clock + 9 * DWELL)
    assert state(any_engine, rollout) == ("running", 25, "canary")


def test_a_gateway_that_was_away_is_brought_in_line_later(engine: Engine, clock: datetime) -> None:
    gateway = RecordingGateway()
    rollout, _ = make_canary(engine, clock)
    gateway.away = True
    with pytest.raises(TransientError):
        tick_rollouts(engine, lambda _: SETTINGS, gateway, failing, clock)
    assert state(engine, rollout) == ("reverted", 0, "rejected")
    gateway.away = False
    tick_rollouts(engine, lambda _: SETTINGS, gateway, failing, clock)
    assert gateway.applied == {"desk": Weights("desk", 1, None, 0, generation=0)}


def test_all_models_are_told_at_once(engine: Engine, clock: datetime) -> None:
    gateway = RecordingGateway()
    make_canary(engine, clock)
    make_canary(engine, clock, "tax")
    tick_rollouts(engine, lambda _: SETTINGS, gateway, no_health_measured, clock)
    assert gateway.applied == {
        model: Weights(model, 1, 2, 5, generation=0) for model in ("desk", "tax")
    }


def test_another_process_that_was_faster_wins(engine: Engine, clock: datetime) -> None:
    gateway = RecordingGateway()
    rollout, _ = make_canary(engine, clock)

    def slow(row: RolloutRow, version: VersionRow) -> Health:
        tick_rollouts(engine, lambda _: SETTINGS, gateway, failing, clock)
        return healthy(row, version)

    assert tick_rollouts(engine, lambda _: SETTINGS, gateway, slow, clock + DWELL) == []
    assert state(engine, rollout) == ("reverted", 0, "rejected")


@pytest.mark.parametrize(
    ("stage", "expected"),
    [("production", ("completed", 100)), ("archived", ("reverted", 0))],
)
def test_moving_the_canary_by_hand_ends_its_rollout(
    any_engine: Engine, clock: datetime, stage: str, expected: tuple[str, int]
) -> None:
    gateway = RecordingGateway()
    rollout, canary = make_canary(any_engine, clock)
    with transaction(any_engine) as connection:
        move_stage(connection, canary, stage, changed_by="lea", reason="by hand", now=clock)
    # Whatever is measured then, the person's word stands.
    assert tick_rollouts(any_engine, lambda _: SETTINGS, gateway, failing, clock) == []
    assert state(any_engine, rollout) == (*expected, stage)
    serving = 2 if stage == "production" else 1
    assert gateway.applied == {"desk": Weights("desk", serving, None, 0, generation=0)}


def test_a_rollback_takes_the_canary_out_of_the_gateway(engine: Engine, clock: datetime) -> None:
    gateway = RecordingGateway()
    rollout, _ = make_canary(engine, clock)
    tick_rollouts(engine, lambda _: SETTINGS, gateway, healthy, clock)
    with transaction(engine) as connection:
        roll_back(connection, "desk", changed_by="lea", reason="complaints", now=clock)
    tick_rollouts(engine, lambda _: SETTINGS, gateway, healthy, clock)
    assert state(engine, rollout) == ("reverted", 0, "candidate")
    assert gateway.applied["desk"] == Weights("desk", 1, None, 0, generation=0)


def test_rollout_needs_a_stable_version_and_no_other_rollout(
    engine: Engine, clock: datetime
) -> None:
    first = register(engine, clock)
    with (
        refusal("no_stable_version", match="driftwarden models promote"),
        transaction(engine) as connection,
    ):
        start_rollout(connection, first, SETTINGS, clock, by="lea")
    make_canary(engine, clock)
    late = register(engine, clock)
    with (
        refusal("rollout_running"),
        transaction(engine) as connection,
    ):
        start_rollout(connection, late, SETTINGS, clock, by="lea")


def test_a_first_step_of_everything_still_waits_for_measurements(
    engine: Engine, clock: datetime
) -> None:
    gateway = RecordingGateway()
    all_at_once = Rollout(stages=(100,), min_dwell="0s")
    with transaction(engine) as connection:
        serving = register_version(
            connection, model="desk", adapter_path="a", adapter_digest="d", lineage={}, now=clock
        )
        promote(connection, serving, changed_by="lea", reason="first", now=clock)
    canary = register(engine, clock)
    with transaction(engine) as connection:
        rollout = start_rollout(connection, canary, all_at_once, clock, by="lea")
    tick_rollouts(engine, lambda _: all_at_once, gateway, no_health_measured, clock)
    assert state(engine, rollout) == ("holding", 100, "canary")
    tick_rollouts(engine, lambda _: all_at_once, gateway, healthy, clock)
    assert state(engine, rollout) == ("completed", 100, "production")
