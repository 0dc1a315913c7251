"""The life of a rollout on both databases, with an in-process gateway and scripted looks."""

from datetime import datetime
from itertools import pairwise

import pytest
from sqlalchemy import Engine

from monitor.store.engine import transaction
from monitor.store.training import registry as versions
from retrain.registry.stages import move_stage
from retrain.rollout.checks.decision import Action
from retrain.rollout.rows.looks import HOUR, spread_looks
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.rows.weights import weights_of_rollout
from retrain.rollout.transitions.promotion import promote_version, roll_back_version
from retrain.rollout.transitions.revert import revert_rollout
from retrain.rollout.transitions.stages import advance, pause, resume
from tests.support.refusals import refusal
from tests.support.retrain.candidates import evaluated
from tests.support.retrain.rollout_desk import RolloutDesk, settings_of

DWELL_HOURS = 4


@pytest.fixture
def desk(any_engine: Engine, clock: datetime) -> RolloutDesk:
    return RolloutDesk(any_engine, clock)


@pytest.fixture
def lite(engine: Engine, clock: datetime) -> RolloutDesk:
    """Return a desk on SQLite alone."""
    return RolloutDesk(engine, clock)


def test_healthy_canary_goes_through_all_stages(desk: RolloutDesk) -> None:
    canary = desk.register()
    desk.start(canary)
    for _ in range(3 * (DWELL_HOURS + 1)):
        desk.tick(HOUR)
    assert desk.rollout().status == "holdback"
    assert desk.stage(canary) == "canary"
    desk.run_hours(DWELL_HOURS + 1)
    assert desk.seen == [(1, None, 0), (1, 2, 5), (1, 2, 25), (1, 2, 50), (1, 2, 99), (2, None, 0)]
    rollout = desk.rollout()
    assert (rollout.status, rollout.weight_percent, desk.stage(canary)) == (
        "completed", 100, "production",
    )  # fmt: skip
    assert desk.stage(desk.serving) == "archived"
    assert desk.events() == [
        "started", "confirmed", "advanced", "confirmed", "advanced", "confirmed", "took_over",
        "confirmed", "completed",
    ]  # fmt: skip
    with transaction(desk.engine) as connection:
        rows = weights_of_rollout(connection, rollout.id)
        looks = spread_looks(connection, rollout.id, limit=1000)
    assert [row.generation for row in rows] == [2, 3, 4, 5, 6]
    assert all(row.confirmed_at for row in rows)
    assert {later.hour - look.hour for look, later in pairwise(looks)} == {HOUR}


def test_time_of_a_stage_begins_with_the_confirmation(lite: RolloutDesk) -> None:
    lite.start()
    lite.gateway.available = False
    for _ in range(DWELL_HOURS + 5):
        lite.tick(HOUR)
    rollout = lite.rollout()
    assert (rollout.status, rollout.stage, lite.weights().confirmed_at) == ("holding", 0, None)
    assert lite.weights().attempts > DWELL_HOURS
    lite.gateway.available = True
    lite.apply()
    assert lite.rollout().stage_started_at == lite.now
    lite.run_hours(DWELL_HOURS - 1)
    assert lite.rollout().stage == 0
    lite.run_hours(2)
    assert lite.rollout().stage == 1


def test_failed_check_reverts_at_once(desk: RolloutDesk) -> None:
    canary = desk.register()
    desk.start(canary)
    desk.run_hours(2)
    desk.action, desk.looks.reason = "revert", "errors 9% against 1%"
    desk.now += HOUR
    desk.look()  # the look alone: it sends the weights itself
    assert desk.in_force() == (1, None, 0)
    rollout = desk.rollout()
    assert (rollout.status, rollout.weight_percent) == ("reverted", 0)
    assert rollout.reason == "errors 9% against 1%"
    assert desk.stage(canary) == "candidate"
    with transaction(desk.engine) as connection:
        change = versions.stage_changes(connection, canary)[-1]
    assert (change.to_stage, change.reason) == ("candidate", "errors 9% against 1%")
    desk.action = None
    desk.run_hours(3)
    assert desk.in_force() == (1, None, 0)


def test_missing_measurement_holds_then_asks(lite: RolloutDesk) -> None:
    lite.start()
    lite.tick()
    lite.action = "hold"
    lite.run_hours(2)
    assert lite.rollout().status == "holding"
    lite.run_hours(DWELL_HOURS)
    assert lite.events()[-1] == "asked"
    lite.run_hours(DWELL_HOURS)
    assert lite.events().count("asked") == 1
    lite.action = "wait"
    lite.run_hours(1)
    assert (lite.rollout().status, lite.events()[-1]) == ("running", "continued")


def test_decision_to_ask_asks_once(lite: RolloutDesk) -> None:
    lite.start()
    lite.tick()
    lite.action = "ask"
    lite.run_hours(3)
    assert lite.events()[-2:] == ["held", "asked"]


def test_paused_rollout_stays_but_still_reverts(lite: RolloutDesk) -> None:
    rollout = lite.start()
    lite.tick()
    with transaction(lite.engine) as connection:
        pause(connection, rollout.id, lite.now, by="lea", reason="release day")
    lite.run_hours(DWELL_HOURS + 2)
    assert (lite.rollout().status, lite.rollout().stage) == ("paused", 0)
    with transaction(lite.engine) as connection:
        resume(connection, rollout.id, lite.now, by="lea")
    lite.run_hours(1)
    assert lite.rollout().stage == 1
    with transaction(lite.engine) as connection:
        pause(connection, rollout.id, lite.now, by="lea", reason="release day")
    lite.action = "revert"
    lite.run_hours(1)
    assert lite.rollout().status == "reverted"


def test_holdback_completes_once_nothing_holds_it(lite: RolloutDesk) -> None:
    rollout = lite.start()
    for percent in (25, 50, 100):
        lite.tick()
        with transaction(lite.engine) as connection:
            advance(
                connection, rollout.id, lite.now, by="lea", reason="x",
                to_percent=percent,
            )  # fmt: skip
    for lite.action in ("hold", "ask"):
        lite.run_hours(DWELL_HOURS)
        assert (lite.rollout().status, lite.rollout().reason) == ("holdback", "as scripted")
    assert lite.events().count("asked") == 1
    lite.action = "wait"
    lite.run_hours(1)
    assert lite.rollout().status == "completed"


def test_no_holdback_completes_at_once(engine: Engine, clock: datetime) -> None:
    desk = RolloutDesk(engine, clock, settings_of(stages=(50, 100), holdback="0%"))
    desk.start()
    desk.run_hours(DWELL_HOURS + 1)
    assert desk.rollout().status == "completed"
    assert desk.seen == [(1, None, 0), (1, 2, 50), (2, None, 0)]


def test_single_stage_keeps_its_holdback(engine: Engine, clock: datetime) -> None:
    desk = RolloutDesk(engine, clock, settings_of(stages=(100,)))
    desk.start()
    desk.tick()
    assert desk.in_force() == (1, 2, 99)
    desk.run_hours(DWELL_HOURS + 1)
    assert (desk.rollout().status, desk.in_force()) == ("completed", (2, None, 0))


def test_user_advances_only_what_is_confirmed(lite: RolloutDesk) -> None:
    rollout = lite.start()

    def go(reason: str = "enough seen", to_percent: int | None = None) -> None:
        with transaction(lite.engine) as connection:
            advance(
                connection, rollout.id, lite.now, by="lea", reason=reason,
                to_percent=to_percent,
            )  # fmt: skip

    with refusal("not_confirmed"):
        go()
    lite.tick()
    with refusal("no_reason"):
        go(" ")
    with refusal("unknown_stage"):
        go(to_percent=60)
    go()
    assert lite.rollout().weight_percent == 25
    lite.tick()
    go(to_percent=100)  # named: the stage of 50% is skipped
    assert (lite.rollout().status, lite.rollout().weight_percent) == ("holdback", 99)
    lite.tick()
    go()
    assert lite.rollout().status == "completed"


def test_revert_does_not_depend_on_the_registry(lite: RolloutDesk) -> None:
    canary = lite.register()
    rollout = lite.start(canary)
    lite.tick()
    with transaction(lite.engine) as connection:
        move_stage(connection, canary, "rejected", changed_by="x", reason="hand", now=lite.now)
        stable = versions.version_by_id(connection, lite.serving)
        versions.set_stage(
            connection, stable, "archived", changed_by="x", reason="hand", changed_at=lite.now
        )
    with transaction(lite.engine) as connection:
        revert_rollout(connection, rollout.id, lite.now, by="lea", reason="now")
    lite.tick()
    assert lite.in_force() == (1, None, 0)
    assert lite.stage(canary) == "rejected"
    with refusal("rollout_transition"), transaction(lite.engine) as connection:
        revert_rollout(connection, rollout.id, lite.now, by="lea", reason="again")


def test_look_at_changed_rollout_is_discarded(lite: RolloutDesk) -> None:
    rollout = lite.start()
    lite.tick()
    decide = lite.looks.decide

    def slow(row: RolloutRow, end: datetime) -> Action:
        if lite.rollout().is_open:
            with transaction(lite.engine) as connection:
                revert_rollout(connection, row.id, lite.now, by="lea", reason="faster")
        return decide(row, end)

    lite.looks.decide = slow
    lite.run_hours(DWELL_HOURS + 1)
    assert (lite.rollout().status, lite.rollout().reason) == ("reverted", "faster")
    with transaction(lite.engine) as connection:
        assert spread_looks(connection, rollout.id, limit=1000) == []


def test_start_needs_candidate_gate_and_stable(lite: RolloutDesk) -> None:
    with refusal("no_training_run"):
        lite.start(lite.register(gates=False))
    with refusal("not_candidate"):
        lite.start(lite.serving)
    undecided = lite.register(gates=False)
    with transaction(lite.engine) as connection:
        evaluated(connection, undecided, lite.now, "undecided")
    with refusal("not_promoted"):
        lite.start(undecided)
    rejected = lite.register(gates=False)
    with transaction(lite.engine) as connection:
        evaluated(connection, rejected, lite.now, "reject")
    with refusal("not_candidate"):
        lite.start(rejected)
    lite.start()
    with refusal("rollout_running"):
        lite.start()


def test_start_without_serving_version_is_refused(lite: RolloutDesk) -> None:
    other = RolloutDesk.__new__(RolloutDesk)
    other.__dict__.update(lite.__dict__)
    other.settings = settings_of("new")
    with refusal("no_stable_version", match="driftwarden models promote"):
        other.start()


def test_promotion_and_rollback_change_the_gateway(lite: RolloutDesk) -> None:
    second = lite.register()
    with transaction(lite.engine) as connection:
        version = versions.version_by_id(connection, second)
        promote_version(connection, version, lite.now, by="lea", reason="better")
    lite.tick()
    assert lite.in_force() == (2, None, 0)
    with transaction(lite.engine) as connection:
        restored = roll_back_version(connection, lite.model, lite.now, by="lea", reason="worse")
    lite.tick()
    assert (restored.version.version, lite.in_force()) == (1, (1, None, 0))


def test_promotion_completes_the_rollout_of_its_version(lite: RolloutDesk) -> None:
    canary = lite.register()
    lite.start(canary)
    lite.tick()
    other = lite.register()
    with refusal("rollout_running"), transaction(lite.engine) as connection:
        version = versions.version_by_id(connection, other)
        promote_version(connection, version, lite.now, by="lea", reason="better")
    with transaction(lite.engine) as connection:
        version = versions.version_by_id(connection, canary)
        promote_version(connection, version, lite.now, by="lea", reason="better")
    lite.tick()
    assert (lite.rollout().status, lite.in_force()) == ("completed", (2, None, 0))


def test_rollback_in_a_rollout_reverts_it(lite: RolloutDesk) -> None:
    canary = lite.register()
    lite.start(canary)
    lite.tick()
    with transaction(lite.engine) as connection:
        restored = roll_back_version(connection, lite.model, lite.now, by="lea", reason="bad")
    lite.tick()
    assert (restored.version.version, lite.rollout().status, lite.in_force()) == (
        1, "reverted", (1, None, 0),
    )  # fmt: skip
    assert lite.stage(canary) == "candidate"


def test_automatic_start_follows_the_gate_once(engine: Engine, clock: datetime) -> None:
    desk = RolloutDesk(engine, clock, settings_of(start="automatic"))
    canary = desk.register()
    desk.tick(HOUR)
    assert (desk.rollout().started_by, desk.in_force()) == ("driftwarden", (1, 2, 5))
    first = desk.rollout().id
    desk.action = "revert"
    desk.tick(HOUR)
    desk.action = None
    desk.run_hours(3)  # a reverted version does not start again by itself
    assert (desk.rollout().id, desk.rollout().status) == (first, "reverted")
    desk.now += HOUR
    with transaction(engine) as connection:
        evaluated(connection, canary, desk.now)
    desk.tick(HOUR)
    assert (desk.rollout().status, desk.rollout().id) == ("running", first + 1)


def test_manual_start_waits_for_a_user(lite: RolloutDesk) -> None:
    lite.register()
    lite.run_hours(3)
    assert lite.in_force() == (1, None, 0)
