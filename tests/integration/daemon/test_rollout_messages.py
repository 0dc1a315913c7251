"""Messages of rollouts in Slack, and their buttons: who may press, once, and how late."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from monitor.accounts.registration import create_user
from monitor.accounts.users import Actor, link_slack
from monitor.daemon.actions.execution import act_on_presses
from monitor.daemon.conditions.watch import watch_conditions
from monitor.rendering.buttons import parse_value
from monitor.rendering.mrkdwn import render_text
from monitor.store.alerts.incidents import list_incidents
from monitor.store.alerts.slack_actions import Press, insert_press
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.tables import AuditEntry, OutboxMessage, RolloutEvent
from monitor.web.incidents.incident_view import load_view
from retrain.rollout.messages.announcements import announce_rollouts
from retrain.rollout.messages.buttons import rollout_buttons
from retrain.rollout.steps import take_step
from retrain.rollout.transitions import stages
from retrain.rollout.transitions.open_rollout import lock_rollout
from retrain.rollout.transitions.revert import revert_rollout
from tests.support.retrain.rollout_desk import RolloutDesk, settings_of
from tests.support.review.review_world import PASSWORD
from tests.support.web.hostile_texts import ALL
from tests.support.web.rollout_world import make_desk

LEA, RITA, OLAF = "U0LEA", "U0RITA", "U0OLAF"
numbers = count()


@pytest.fixture
def desk(engine: Engine, clock: datetime) -> Iterator[RolloutDesk]:
    """Start a rollout, with users of some roles."""
    desk = make_desk(engine, clock, settings_of(min_dwell="48h", max_hold="48h"))
    desk.start()
    with transaction(engine) as connection:
        for name, role, model, slack_id in (
            ("Lea", "lead", "desk", LEA),
            ("Rita", "reviewer", "*", RITA),
            ("Olaf", "lead", "another", OLAF),
        ):
            user = create_user(connection, name, PASSWORD, role, clock, models=[model])
            link_slack(connection, Actor(SYSTEM), user, slack_id, clock)
    desk.tick()
    return desk


def announce(desk: RolloutDesk) -> int:
    return announce_rollouts(desk.engine, [desk.settings], desk.now)


def newest(engine: Engine) -> dict[str, Any]:
    with transaction(engine) as connection:
        statement = select(OutboxMessage.payload).order_by(OutboxMessage.id.desc()).limit(1)
        payload: dict[str, Any] = connection.execute(statement).scalar_one()
    return payload


def buttons_of(payload: dict[str, Any]) -> dict[str, str]:
    """Return the value of each button by its action."""
    return {
        element["action_id"]: element["value"]
        for block in payload["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if "value" in element
    }


def press(desk: RolloutDesk, action: str, value: str, user: str = LEA) -> tuple[str, str]:
    """Press a button, act as the leader, and return outcome and code."""
    target = parse_value(value)
    assert target is not None
    with transaction(desk.engine) as connection:
        insert_press(
            connection,
            Press(
                press=f"press {next(numbers)}",
                action=action,
                choice="",
                subject=target.subject,
                version=target.version,
                slack_user=user,
                slack_channel="C1",
                received_at=desk.now,
            ),
        )
    act_on_presses(desk.engine, desk.settings, desk.now)
    with transaction(desk.engine) as connection:
        statement = select(AuditEntry.details).where(AuditEntry.action == "pressed")
        details = connection.execute(statement.order_by(AuditEntry.id.desc()).limit(1)).scalar_one()
    return details["outcome"], details["code"]


def test_each_step_is_announced_once(desk: RolloutDesk) -> None:
    assert [announce(desk), announce(desk)] == [1, 0]
    desk.run_hours(2)
    assert announce(desk) == 0
    with transaction(desk.engine) as connection:
        stages.pause(connection, 1, desk.now, by="Lea", reason="release")
        stages.resume(connection, 1, desk.now, by="Lea")
    assert [announce(desk), announce(desk)] == [2, 0]
    assert set(buttons_of(newest(desk.engine))) == {
        "revert_rollout", "advance_rollout", "pause_rollout",
    }  # fmt: skip
    with transaction(desk.engine) as connection:
        payloads = connection.execute(select(OutboxMessage.payload)).scalars().all()
    assert [bool(buttons_of(payload)) for payload in payloads] == [True, False, True]
    desk.now += timedelta(days=3)
    with transaction(desk.engine) as connection:
        connection.execute(update(OutboxMessage).values(dedupe_key=OutboxMessage.id))
    assert announce(desk) == 0


def test_snapshot_of_messages(desk: RolloutDesk, snapshot: Any) -> None:
    texts = []
    desk.run_hours(5)
    announce(desk)
    texts.append(newest(desk.engine))
    with transaction(desk.engine) as connection:
        stages.pause(connection, 1, desk.now, by="Lea", reason="the app is released today")
    announce(desk)
    texts.append(newest(desk.engine))
    with transaction(desk.engine) as connection:
        revert_rollout(
            connection, 1, desk.now, by="driftwarden", reason="errors: worse by 3 points"
        )
    announce(desk)
    texts.append(newest(desk.engine))
    assert [render_text(payload["blocks"]) for payload in texts] == snapshot
    assert not buttons_of(texts[-1])


def test_an_ended_rollout_lists_only_what_reverted_it(desk: RolloutDesk) -> None:
    desk.run_hours(5)
    with transaction(desk.engine) as connection:
        revert_rollout(
            connection, 1, desk.now, by="driftwarden", reason="errors: worse by 3 points"
        )
    announce(desk)
    text = render_text(newest(desk.engine)["blocks"])
    assert "Checks" in text
    assert "at this pace" not in text


def test_a_hold_lists_each_check_once(engine: Engine, clock: datetime) -> None:
    missing = frozenset({"resolved"})
    settings = settings_of(min_dwell="4h", max_hold="4h")
    desk = make_desk(engine, clock, settings, missing=missing)
    desk.start()
    desk.run_hours(5)
    assert desk.events()[-1] == "held"
    announce(desk)
    text = render_text(newest(engine)["blocks"])
    assert text.count("resolved: ") == 1
    assert text.count("malformed: ") == 1


def test_buttons_of_a_hold_stay_when_a_lead_is_asked(desk: RolloutDesk) -> None:
    with transaction(desk.engine) as connection:
        row = lock_rollout(connection, 1)
        row = take_step(connection, row, "held", by="driftwarden", now=desk.now, reason="x")
        announced = rollout_buttons(connection, row)
        take_step(connection, row, "asked", by="driftwarden", now=desk.now, reason="x")
    value = buttons_of({"blocks": [{"type": "actions", "elements": announced}]})["advance_rollout"]
    assert press(desk, "advance_rollout", value)[0] == "done"
    assert desk.rollout().weight_percent == 25


def test_hostile_reasons_have_no_markup(desk: RolloutDesk) -> None:
    with transaction(desk.engine) as connection:
        connection.execute(update(RolloutEvent).values(reason=f"*{ALL}* <!channel>", by="<@U1>"))
    announce(desk)
    text = str(newest(desk.engine))
    assert "<!channel>" not in text
    assert "<@U1>" not in text
    assert "<script>" not in text


@pytest.mark.parametrize(
    ("action", "status", "percent"),
    [
        ("pause_rollout", "paused", 5),
        ("advance_rollout", "running", 25),
        ("revert_rollout", "reverted", 0),
    ],
)
def test_a_button_acts_for_a_lead_only_and_once(
    desk: RolloutDesk, action: str, status: str, percent: int
) -> None:
    announce(desk)
    value = buttons_of(newest(desk.engine))[action]
    for user in (RITA, OLAF):
        assert press(desk, action, value, user) == ("refused", "no_permission")
    assert press(desk, action, value, "U0NOBODY") == ("refused", "no_account")
    assert press(desk, action, value) == ("done", "")
    assert press(desk, action, value)[0] == "refused"
    assert (desk.rollout().status, desk.rollout().weight_percent) == (status, percent)
    desk.tick(timedelta(seconds=5))
    assert desk.in_force()[2] == percent


def test_an_outdated_button_reverts_and_does_nothing_else(desk: RolloutDesk) -> None:
    announce(desk)
    buttons = buttons_of(newest(desk.engine))
    with transaction(desk.engine) as connection:
        stages.advance(connection, 1, desk.now, by="Max", reason="by hand")
    desk.tick()
    for action in ("advance_rollout", "pause_rollout"):
        assert press(desk, action, buttons[action]) == ("refused", "changed")
    assert desk.rollout().weight_percent == 25
    assert press(desk, "revert_rollout", buttons["revert_rollout"]) == ("done", "")
    assert desk.rollout().status == "reverted"


def test_an_incident_of_a_waiting_rollout_has_its_buttons(engine: Engine, clock: datetime) -> None:
    settings = settings_of(min_dwell="2h", max_hold="2h")
    missing = frozenset({"resolved"})
    desk = make_desk(engine, clock, settings, n_canary=200, missing=missing)
    desk.start()
    desk.tick()
    desk.run_hours(6)
    watch_conditions(engine, settings, [settings], desk.now, started_at=clock)
    with transaction(engine) as connection:
        statement = select(OutboxMessage.payload).where(
            OutboxMessage.subject == "rollout_holding", OutboxMessage.kind == "post"
        )
        payload = connection.execute(statement).scalar_one()
    assert {"revert_rollout", "advance_rollout"} <= set(buttons_of(payload))
    value = buttons_of(payload)["revert_rollout"]
    with transaction(engine) as connection:
        (incident,) = list_incidents(connection, cause="rollout_holding")
        view = load_view(connection, settings, incident)
        assert ("rollout 1", "/rollouts/1") in view.links
        user = create_user(connection, "Lea", PASSWORD, "lead", clock)
        link_slack(connection, Actor(SYSTEM), user, LEA, clock)
    assert press(desk, "revert_rollout", value) == ("done", "")
