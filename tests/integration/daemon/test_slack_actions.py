"""Presses of buttons, done by the leader: once, where allowed, while the button is current."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select, update

from monitor.accounts.registration import create_user
from monitor.accounts.users import Actor, deactivate, link_slack
from monitor.alerts import incidents
from monitor.alerts.actions.replies import SlackReplies
from monitor.alerts.drift_incidents import handle_evaluation
from monitor.daemon.actions import execution
from monitor.daemon.actions.execution import REPLIES_WITHIN, act_on_presses, send_replies
from monitor.daemon.actions.table import ACTIONS, next_working_day
from monitor.scheduling.actions import Action
from monitor.settings import Alerts, Secrets, Settings
from monitor.store.alerts.incidents import IncidentRow, incident_by_id
from monitor.store.alerts.slack_actions import Press, PressRow, insert_press
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.tables import AuditEntry, OutboxMessage, User
from tests.services.slack import (  # noqa: F401 - a fixture
    APP_TOKEN,
    CHANNEL,
    TOKEN,
    FakeSlack,
    Reply,
    slack,
)
from tests.support.alerts.presses import list_presses
from tests.support.review.review_world import PASSWORD
from tests.support.windows.assessments import make_assessment, store_evaluation

ALERTS = Alerts(channel=CHANNEL)
WEEK, HOUR = timedelta(days=7), timedelta(hours=1)
LEA, BEA, RITA, OLAF = "U0LEA", "U0BEA", "U0RITA", "U0OLAF"
numbers = count()


@pytest.fixture
def incident(any_engine: Engine, clock: datetime) -> IncidentRow:
    """Open an incident of the model assistant, with users of some roles."""
    with transaction(any_engine) as connection:
        for name, role, model, slack_id in (
            ("Lea", "lead", "assistant", LEA),
            ("Bea", "lead", "*", BEA),
            ("Rita", "reviewer", "*", RITA),
            ("Olaf", "lead", "another", OLAF),
        ):
            user = create_user(connection, name, PASSWORD, role, clock, models=[model])
            link_slack(connection, Actor(SYSTEM), user, slack_id, clock)
        evaluation = store_evaluation(connection, make_assessment(0.2), clock)
        opened = handle_evaluation(connection, evaluation, clock + WEEK, alerts=ALERTS)
        assert opened is not None
        return incident_by_id(connection, opened)


def press(
    engine: Engine,
    at: datetime,
    user: str,
    subject: str,
    action: str = "acknowledge",
    **values: Any,
) -> None:
    """Store a press, as a replica would."""
    row = {
        "press": f"press {next(numbers)}",
        "choice": "",
        "version": 1,
        "slack_channel": CHANNEL,
        **values,
    }
    with transaction(engine) as connection:
        insert_press(
            connection,
            Press(action=action, subject=subject, slack_user=user, received_at=at, **row),
        )


def act(engine: Engine, now: datetime) -> list[tuple[str | None, str]]:
    """Act as the leader; return outcome and code of all presses."""
    act_on_presses(engine, Settings(), now)
    with transaction(engine) as connection:
        statement = select(AuditEntry.details).where(AuditEntry.action == "pressed")
        details = connection.execute(statement.order_by(AuditEntry.id)).scalars().all()
    return [(entry["outcome"], entry["code"]) for entry in details]


def read(engine: Engine, incident: IncidentRow) -> IncidentRow:
    with transaction(engine) as connection:
        return incident_by_id(connection, incident.id)


def presses(engine: Engine) -> list[PressRow]:
    with transaction(engine) as connection:
        return list_presses(connection)


def subject_of(incident: IncidentRow) -> str:
    return f"incident:{incident.id}"


def test_an_acknowledgement_is_of_the_linked_user(
    any_engine: Engine, clock: datetime, incident: IncidentRow
) -> None:
    now = clock + WEEK + HOUR
    press(any_engine, now, LEA, subject_of(incident))
    assert act(any_engine, now) == [("done", "")]
    changed = read(any_engine, incident)
    assert (changed.status, changed.acknowledged_by) == ("acknowledged", "Lea")
    with transaction(any_engine) as connection:
        newest = select(OutboxMessage.kind).order_by(OutboxMessage.id.desc()).limit(1)
        assert connection.execute(newest).scalar_one() == "update"
        actors = select(AuditEntry.actor, AuditEntry.action).order_by(AuditEntry.id.desc()).limit(2)
        assert [tuple(row) for row in connection.execute(actors)] == [
            ("Lea", "pressed"),
            ("Lea", "acknowledged"),
        ]


def test_a_double_press_or_two_users_act_once(
    any_engine: Engine, clock: datetime, incident: IncidentRow
) -> None:
    now = clock + WEEK + HOUR
    for user in (LEA, LEA, BEA):
        press(any_engine, now, user, subject_of(incident))
    repeated = ("refused", "repeated")
    assert act(any_engine, now) == [("done", ""), repeated, repeated]
    assert read(any_engine, incident).version == 2
    assert "Lea" in str(presses(any_engine)[2].reply)


def test_a_second_lead_takes_over_by_its_own_button(
    any_engine: Engine, clock: datetime, incident: IncidentRow
) -> None:
    now = clock + WEEK + HOUR
    press(any_engine, now, LEA, subject_of(incident))
    act(any_engine, now)
    press(any_engine, now, LEA, subject_of(incident), "take_over", version=2)
    assert act(any_engine, now)[1:] == [("refused", "not_taken_over")]
    press(any_engine, now, BEA, subject_of(incident), "take_over", version=2)
    assert act(any_engine, now)[2:] == [("done", "")]
    assert read(any_engine, incident).acknowledged_by == "Bea"
    with transaction(any_engine) as connection:
        newest = select(OutboxMessage.kind, OutboxMessage.payload)
        rows = connection.execute(newest.order_by(OutboxMessage.id.desc()).limit(2)).all()
    assert [kind for kind, _ in rows] == ["reply", "update"]
    assert "Lea" in rows[0].payload["text"]
    assert "reply_broadcast" not in rows[0].payload


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ("U0NOBODY", "no_account"),
        (RITA, "no_permission"),
        (OLAF, "no_permission"),
        ("U0GONE", "deactivated"),
    ],
)
def test_users_without_permission_get_a_no(
    any_engine: Engine, clock: datetime, incident: IncidentRow, user: str, code: str
) -> None:
    now = clock + WEEK + HOUR
    with transaction(any_engine) as connection:
        gone = create_user(connection, "Gone", PASSWORD, "lead", clock)
        link_slack(connection, Actor(SYSTEM), gone, "U0GONE", clock)
        deactivate(connection, Actor(SYSTEM), gone, clock)
    press(any_engine, now, user, subject_of(incident))
    press(any_engine, now, BEA, subject_of(incident))
    # The refused press takes nothing from the one that is allowed.
    assert act(any_engine, now) == [("refused", code), ("done", "")]
    assert read(any_engine, incident).acknowledged_by == "Bea"


def test_a_deactivated_or_demoted_lead_is_refused_at_once(
    any_engine: Engine, clock: datetime, incident: IncidentRow
) -> None:
    now = clock + WEEK + HOUR
    press(any_engine, now, LEA, subject_of(incident))
    with transaction(any_engine) as connection:  # after the press, before the leader took it
        connection.execute(update(User).where(User.name == "Lea").values(active=False))
    assert act(any_engine, now) == [("refused", "deactivated")]
    assert read(any_engine, incident).status == "open"


FORGED: list[tuple[str, dict[str, Any], str]] = [
    ("incident:999999", {}, "unknown_subject"),
    ("decision:1", {}, "unknown_action"),
    ("incident:1", {"action": "confirm_retraining"}, "unknown_action"),
    ("decision:77", {"action": "confirm_retraining"}, "unknown_subject"),
    ("incident:1", {"action": "drop_tables"}, "unknown_action"),
    ("incident:1", {"version": 0}, "changed"),
    ("incident:1", {"version": 2}, "changed"),
    ("incident:1", {"version": 999_999_999}, "changed"),
    ("incident:1", {"action": "snooze", "choice": "99y"}, "unknown_choice"),
    ("incident:1", {"action": "snooze", "choice": ""}, "unknown_choice"),
]


def test_forged_values_change_nothing(
    any_engine: Engine, clock: datetime, incident: IncidentRow
) -> None:
    now = clock + WEEK + HOUR
    for subject, values, _ in FORGED:
        own = subject.replace("incident:1", subject_of(incident)) if len(subject) == 10 else subject
        press(any_engine, now, BEA, own, **values)
    assert act(any_engine, now) == [("refused", code) for _, _, code in FORGED]
    assert read(any_engine, incident) == incident


def test_a_stale_button_is_refused(
    any_engine: Engine, clock: datetime, incident: IncidentRow
) -> None:
    now = clock + WEEK + HOUR
    with transaction(any_engine) as connection:
        incidents.acknowledge(connection, incident.id, "Bea", now, alerts=ALERTS)
    press(any_engine, now, LEA, subject_of(incident), "snooze", choice="4h")
    with transaction(any_engine) as connection:
        incidents.resolve(connection, incident.id, "Bea", "fixed", now, alerts=ALERTS)
    press(any_engine, now, LEA, subject_of(incident), version=2)
    press(any_engine, now, LEA, subject_of(incident), version=3)
    assert act(any_engine, now) == [("refused", "resolved")] * 2 + [("refused", "acknowledged")]


def test_a_note_leaves_the_buttons_as_they_are(
    any_engine: Engine, clock: datetime, incident: IncidentRow
) -> None:
    now = clock + WEEK + HOUR
    with transaction(any_engine) as connection:
        incidents.note(connection, incident.id, "Bea", "I look", now)
        incidents.note(connection, incident.id, "Bea", "still", now)
    press(any_engine, now, LEA, subject_of(incident))
    assert act(any_engine, now) == [("done", "")]


@pytest.mark.parametrize(
    ("choice", "hours"), [("1h", 1), ("4h", 4), ("1d", 24), ("working_day", 32)]
)
def test_a_snooze_is_from_the_press(
    any_engine: Engine, clock: datetime, incident: IncidentRow, choice: str, hours: int
) -> None:
    pressed = clock + WEEK  # a Monday, 00:00
    press(any_engine, pressed, LEA, subject_of(incident), "snooze", choice=choice)
    until = pressed + timedelta(hours=8 if choice == "working_day" else hours)
    # Nobody led for half an hour.
    assert act(any_engine, pressed + HOUR / 2) == [("done", "")]
    assert read(any_engine, incident).snoozed_until == until


def test_a_snooze_that_would_be_over_is_refused(
    any_engine: Engine, clock: datetime, incident: IncidentRow
) -> None:
    pressed = clock + WEEK
    press(any_engine, pressed, LEA, subject_of(incident), "snooze", choice="1h")
    assert act(any_engine, pressed + 2 * HOUR) == [("refused", "too_late")]
    assert read(any_engine, incident).status == "open"


@pytest.mark.parametrize(
    ("at", "begin"),
    [
        ("2026-11-02T07:59", "2026-11-02"),  # Monday
        ("2026-11-02T08:00", "2026-11-03"),
        ("2026-11-06T12:00", "2026-11-09"),  # Friday
        ("2026-11-07T03:00", "2026-11-09"),
        ("2026-11-08T23:59", "2026-11-09"),
    ],
)
def test_next_working_day(at: str, begin: str) -> None:
    begins = next_working_day(datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert begins == datetime.fromisoformat(f"{begin}T08:00").replace(tzinfo=UTC)


def together(*functions: Callable[[], Any]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_two_leaders_at_once_act_once(
    any_engine: Engine, clock: datetime, incident: IncidentRow
) -> None:
    """The fence forbids it; the rows alone already make it harmless."""
    now = clock + WEEK + HOUR
    for user in (LEA, BEA) * 10:
        press(any_engine, now, user, subject_of(incident))
    together(*[lambda: act_on_presses(any_engine, Settings(), now)] * 2)
    outcomes = [row.outcome for row in presses(any_engine)]
    assert sorted(map(str, outcomes)) == ["done"] + ["refused"] * 19
    assert read(any_engine, incident).version == 2


def test_a_press_while_resolving_is_refused(
    any_engine: Engine, clock: datetime, incident: IncidentRow
) -> None:
    now = clock + WEEK + HOUR
    press(any_engine, now, LEA, subject_of(incident))
    acting = threading.Thread(target=lambda: act_on_presses(any_engine, Settings(), now))
    with transaction(any_engine) as connection:
        incidents.resolve(connection, incident.id, "Bea", "fixed", now, alerts=ALERTS)
        acting.start()
        acting.join(0.3)  # it waits for the row
        assert acting.is_alive()
    acting.join(30)
    assert [row.outcome for row in presses(any_engine)] == ["refused"]
    assert read(any_engine, incident).status == "resolved"


def test_a_failing_action_holds_up_no_other(
    any_engine: Engine,
    clock: datetime,
    incident: IncidentRow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = clock + WEEK + HOUR

    def fail(request: Any) -> dict[str, str]:
        incidents.acknowledge(request.connection, incident.id, "x", now, alerts=ALERTS)
        raise ZeroDivisionError

    failing = Action(subject="incident", run=fail, reply="")
    monkeypatch.setattr(execution, "ACTIONS", {**ACTIONS, "failing": failing})
    press(any_engine, now, LEA, subject_of(incident), "failing")
    press(any_engine, now, LEA, subject_of(incident))
    assert act(any_engine, now) == [("failed", ""), ("done", "")]
    assert read(any_engine, incident).acknowledged_by == "Lea"


def replies_for(server: FakeSlack) -> SlackReplies:
    replies = SlackReplies.build(
        Secrets(
            slack_bot_token=SecretStr(TOKEN),
            slack_app_token=SecretStr(APP_TOKEN),
            slack_api_url=server.url,
        )
    )
    assert replies is not None
    return replies


def test_each_user_gets_the_outcome_once(
    any_engine: Engine,
    clock: datetime,
    incident: IncidentRow,
    slack: FakeSlack,  # noqa: F811
) -> None:
    now = clock + WEEK + HOUR
    replies = replies_for(slack)
    for user in (LEA, "U0NOBODY"):
        press(any_engine, now, user, subject_of(incident))
    act(any_engine, now)
    slack.scripted_replies = [Reply(status=500)]
    assert send_replies(any_engine, replies, now) == 0
    assert send_replies(any_engine, replies, now) == 2
    assert send_replies(any_engine, replies, now) == 0
    assert [reply.user for reply in slack.ephemerals] == [LEA, "U0NOBODY"]
    assert "accounts slack NAME U0NOBODY" in slack.ephemerals[1].text


def test_a_late_or_refused_reply_is_given_up(
    any_engine: Engine,
    clock: datetime,
    incident: IncidentRow,
    slack: FakeSlack,  # noqa: F811
) -> None:
    now = clock + WEEK + HOUR
    replies = replies_for(slack)
    press(any_engine, now, LEA, subject_of(incident))
    act(any_engine, now)
    assert send_replies(any_engine, replies, now + 2 * REPLIES_WITHIN) == 0
    press(any_engine, now, BEA, subject_of(incident))
    act(any_engine, now)
    slack.scripted_replies = [Reply(body={"ok": False, "error": "user_not_in_channel"})]
    assert send_replies(any_engine, replies, now) == 0
    assert all(row.replied_at is not None for row in presses(any_engine))
    assert not slack.ephemerals
