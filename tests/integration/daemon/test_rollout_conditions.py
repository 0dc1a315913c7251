"""Conditions of rollouts: each is begun and ended for real, told once, and resolved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from monitor.alerts.causes import CAUSES
from monitor.alerts.incident_states import NO_LONGER_SO
from monitor.alerts.parent_message import present_message
from monitor.alerts.present_text import describe_steps, present_text
from monitor.daemon.conditions.watch import watch_conditions
from monitor.store.alerts.incident_events import list_events
from monitor.store.alerts.incidents import IncidentRow, list_incidents
from monitor.store.alerts.outbox import list_messages
from monitor.store.engine import transaction
from monitor.store.training.registry import version_by_id
from retrain.registry.rejection import reject_version
from retrain.rollout.checks.decision import Reason
from retrain.rollout.gateways.protocol import Weights
from retrain.rollout.jobs.conditions import OF_ROLLOUTS
from retrain.rollout.plan import RolloutPlan
from retrain.rollout.rows.looks import HOUR, Look
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.transitions.revert import revert_rollout
from retrain.rollout.transitions.stages import advance, pause
from tests.support.retrain.rollout_desk import MODEL, RolloutDesk

SECONDS = timedelta(seconds=5)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def desk(engine: Engine, clock: datetime) -> RolloutDesk:
    made = RolloutDesk(engine, clock)
    made.start()
    made.run_hours(2)
    watch(made)
    assert [row for cause in OF_ROLLOUTS for row in incidents_of(made, cause)] == []
    return made


def watch(desk: RolloutDesk, started_at: datetime = LONG_AGO) -> None:
    watch_conditions(desk.engine, desk.settings, [desk.settings], desk.now, started_at=started_at)


def incidents_of(desk: RolloutDesk, cause: str) -> list[IncidentRow]:
    with transaction(desk.engine) as connection:
        return list_incidents(connection, cause=cause)


def assert_open(desk: RolloutDesk, cause: str) -> IncidentRow:
    """Return the open incident of a cause, which is told once however often it is checked."""
    for _ in range(3):
        watch(desk)
    (incident,) = incidents_of(desk, cause)
    with transaction(desk.engine) as connection:
        assert [event.event for event in list_events(connection, incident.id)] == ["opened"]
    assert (incident.status, incident.level) == ("open", CAUSES[cause].level)
    return incident


def assert_resolved(desk: RolloutDesk, cause: str) -> str:
    """Return why the incident of a cause is resolved, which the thread tells, too."""
    watch(desk)
    (incident,) = incidents_of(desk, cause)
    assert incident.status == "resolved"
    with transaction(desk.engine) as connection:
        reason = list_events(connection, incident.id)[-1].reason
        notes = present_text(connection, incident, desk.settings.alerts).notes
        replies = [row.payload for row in list_messages(connection, incident.id)]
    is_known = reason != NO_LONGER_SO
    assert is_known == (reason in str(replies)) == (f"Resolved: {reason}" in notes)
    return reason


def test_revert_is_reported_until_its_version_is_rejected(desk: RolloutDesk) -> None:
    desk.action, desk.looks.reason = "revert", "errors 9% against 1%"
    desk.run_hours(1)
    incident = assert_open(desk, "rollout_reverted")
    for part in ("Version 2", "at 5%", "errors 9% against 1%", "version 1 at 100%"):
        assert part in incident.summary
    desk.now += 10 * timedelta(days=1)  # nothing changes by time alone
    watch(desk)
    assert incidents_of(desk, "rollout_reverted")[0].status == "open"
    with transaction(desk.engine) as connection:
        message = str(present_message(connection, incident.id, desk.settings.alerts))
    assert "/rollouts/1|Rollout 1>" in message
    version = desk.rollout().version_id
    with transaction(desk.engine) as connection:
        row = version_by_id(connection, version)
        reject_version(connection, row, desk.now, by="lea", reason="worse at refunds")
    reason = assert_resolved(desk, "rollout_reverted")
    assert reason == "version 2 is rejected now, by lea: worse at refunds"


def test_revert_is_over_with_the_next_rollout(desk: RolloutDesk) -> None:
    desk.action = "revert"
    desk.run_hours(1)
    assert_open(desk, "rollout_reverted")
    desk.action = None
    desk.start(desk.rollout().version_id)
    reason = assert_resolved(desk, "rollout_reverted")
    assert reason == "rollout 2 of version 2 was started by lea"


def test_revert_by_a_user_is_no_incident(desk: RolloutDesk) -> None:
    rollout = desk.rollout()
    with transaction(desk.engine) as connection:
        revert_rollout(connection, rollout.id, desk.now, by="lea", reason="bad")
    watch(desk)
    assert incidents_of(desk, "rollout_reverted") == []


@pytest.mark.parametrize("end", ["advance", "continue", "pause", "revert"])
def test_long_hold_asks_until_it_is_decided(desk: RolloutDesk, end: str) -> None:
    desk.action, desk.looks.reason = "hold", "errors: no measurement yet"
    desk.run_hours(2)
    watch(desk)
    assert incidents_of(desk, "rollout_holding") == []
    desk.run_hours(4)
    incident = assert_open(desk, "rollout_holding")
    assert "errors: no measurement yet" in incident.summary
    rollout = desk.rollout()
    with transaction(desk.engine) as connection:
        step = {"by": "lea", "reason": "seen by hand"}
        if end == "advance":
            advance(connection, rollout.id, desk.now, **step)
        elif end == "pause":
            pause(connection, rollout.id, desk.now, **step)
        elif end == "revert":
            revert_rollout(connection, rollout.id, desk.now, **step)
    if end == "continue":
        desk.action = "wait"
        desk.run_hours(1)
    assert_resolved(desk, "rollout_holding")


def test_rollout_that_is_not_looked_at_is_reported(desk: RolloutDesk) -> None:
    looks = desk.daemon.next_look
    desk.daemon = replace(desk.daemon, next_look=lambda *_: None)
    desk.now += 7 * HOUR
    watch(desk, started_at=desk.now - HOUR)  # a daemon that catches up
    assert incidents_of(desk, "rollout_holding") == []
    assert_open(desk, "rollout_holding")
    desk.daemon = replace(desk.daemon, next_look=looks)
    desk.tick()
    assert_resolved(desk, "rollout_holding")


def test_unavailable_gateway_is_reported_with_its_error(desk: RolloutDesk) -> None:
    desk.gateway.available = False
    for _ in range(5):
        desk.now += SECONDS
        desk.apply()
        watch(desk)
    assert incidents_of(desk, "rollout_not_applied") == []
    desk.now += SECONDS
    desk.apply()
    incident = assert_open(desk, "rollout_not_applied")
    assert "the in-process gateway is unavailable" in incident.summary
    with transaction(desk.engine) as connection:
        message = str(present_message(connection, incident.id, desk.settings.alerts))
        steps = describe_steps(connection, incident)
    assert "/rollouts/1|Rollout 1>" in message
    assert f"driftwarden rollout status --model {MODEL}" in message
    assert f"driftwarden rollout revert --now --model {MODEL} --reason WHY" in str(steps)
    desk.gateway.available = True
    desk.apply()
    assert_resolved(desk, "rollout_not_applied")


def test_revert_that_the_gateway_misses_is_critical(desk: RolloutDesk) -> None:
    desk.gateway.available = False
    rollout = desk.rollout()
    with transaction(desk.engine) as connection:
        revert_rollout(connection, rollout.id, desk.now, by="lea", reason="it insults users")
    desk.now += timedelta(seconds=61)
    incident = assert_open(desk, "rollout_not_applied")
    assert incident.level == "critical"
    assert "version 1 at 100%" in incident.summary
    assert "it insults users" in incident.summary
    desk.gateway.available = True
    desk.apply()
    assert_resolved(desk, "rollout_not_applied")


def test_weights_that_others_change_are_reported(desk: RolloutDesk) -> None:
    generation = desk.weights().generation
    for _ in range(3):
        watch(desk)
        assert incidents_of(desk, "rollout_not_applied") == []
        desk.gateway.set(Weights("desk", 1, 2, 60, generation))
        desk.apply()
    assert "3 times" in assert_open(desk, "rollout_not_applied").summary
    desk.now += timedelta(minutes=16)
    assert_resolved(desk, "rollout_not_applied")


def test_differing_shares_are_reported_until_they_agree(desk: RolloutDesk) -> None:
    looks = desk.daemon.next_look

    def mismatch(rollout: RolloutRow, plan: RolloutPlan, now: datetime) -> Look | None:
        look = looks(rollout, plan, now)
        reason = Reason("sample_ratio", "the canary received 9.0% of the users")
        return look and replace(look, action="hold", reasons=(reason,))

    desk.daemon = replace(desk.daemon, next_look=mismatch)
    desk.run_hours(1)
    incident = assert_open(desk, "rollout_shares_differ")
    assert "received 9.0% of the users" in incident.summary
    assert desk.rollout().status == "holding"
    desk.daemon = replace(desk.daemon, next_look=looks)
    desk.run_hours(1)
    assert_resolved(desk, "rollout_shares_differ")
