"""Buttons of messages in Slack, from the press over a WebSocket to the changed message."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from monitor.accounts.registration import create_user
from monitor.accounts.users import Actor, link_slack
from monitor.alerts.actions.receiver import PressReceiver
from monitor.alerts.drift_incidents import handle_evaluation
from monitor.daemon import follow_up, schedule
from monitor.daemon.actions.table import ACTIONS
from monitor.daemon.cycle import Cycle
from monitor.daemon.leadership import Leadership
from monitor.daemon.readiness.slack_buttons import buttons_finding
from monitor.errors import ChannelMisconfiguredError, ChannelUnavailableError, SchemaError
from monitor.review.decision.decisions import decide
from monitor.settings import Alerts, Retrain, Review, Secrets, Settings
from monitor.store.alerts.incidents import list_incidents
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import make_engine, transaction
from monitor.store.migrations import upgrade
from monitor.store.review.decisions import decision_by_id, save_preview
from monitor.telemetry import Heartbeat
from tests.services.slack import (  # noqa: F401 - a fixture
    APP_TOKEN,
    CHANNEL,
    TOKEN,
    FakeSlack,
    Message,
    Reply,
    slack,
)
from tests.support.alerts.presses import list_presses
from tests.support.present import utc_now
from tests.support.review.review_world import PASSWORD, make_world
from tests.support.review.settled_items import JUDGEMENT, KNOWLEDGE, RIGHT, settle
from tests.support.stamped import stamped
from tests.support.windows.assessments import make_assessment, store_evaluation

ALERTS = Alerts(channel=CHANNEL)
LEA = "U0LEA"


def secrets_for(server: FakeSlack, app_token: str = APP_TOKEN) -> Secrets:
    return Secrets(
        slack_bot_token=SecretStr(TOKEN),
        slack_app_token=SecretStr(app_token),
        slack_api_url=server.url,
    )


def link_lead(engine: Engine, now: datetime) -> None:
    with transaction(engine) as connection:
        user = create_user(connection, "Bea", PASSWORD, "lead", now)
        link_slack(connection, Actor(SYSTEM), user, LEA, now)


def open_incident(engine: Engine, start: datetime) -> int:
    with transaction(engine) as connection:
        evaluation = store_evaluation(connection, make_assessment(0.2), start)
        opened = handle_evaluation(
            connection, evaluation, start + timedelta(weeks=1), alerts=ALERTS
        )
    assert opened is not None
    return opened


def actions_of(message: Message) -> list[str]:
    return [
        element["action_id"]
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_messages_have_buttons_only_with_socket_mode(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    open_incident(engine, clock)
    now = clock + timedelta(weeks=1)
    settings = Settings(alerts=ALERTS)
    Cycle.build(engine, settings, secrets_for(slack, ""), now).deliver(now)
    (parent,) = slack.parents
    assert actions_of(parent) == []
    open_incident(engine, clock + timedelta(weeks=1))
    now += timedelta(weeks=1)
    Cycle.build(engine, settings, secrets_for(slack), now).deliver(now)
    assert actions_of(parent) == ["acknowledge", "snooze", "open_queue"]


@contextmanager
def replica(engine: Engine, settings: Settings, secrets: Secrets) -> Iterator[threading.Event]:
    """Run the schedule part, as one replica of several, until the event or the block's end."""
    stop = threading.Event()
    part = schedule.prepare(engine, settings, secrets, heartbeat=Heartbeat("schedule"), stop=stop)
    thread = threading.Thread(target=part)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def test_a_refused_token_leaves_the_buttons_out(engine: Engine, slack: FakeSlack) -> None:  # noqa: F811
    open_incident(engine, utc_now().replace(microsecond=0) - timedelta(weeks=1))
    settings = Settings(alerts=ALERTS)
    with replica(engine, settings, secrets_for(slack, "xapp-revoked")):
        wait_until(lambda: slack.parents)
    (parent,) = slack.parents
    assert actions_of(parent) == []


@pytest.mark.parametrize(("app_token", "seconds"), [("", 60), (APP_TOKEN, 1)])
def test_presses_are_looked_for_each_second_with_a_token(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
    app_token: str,
    seconds: int,
) -> None:
    cycle = Cycle.build(engine, Settings(alerts=ALERTS), secrets_for(slack, app_token), clock)
    scheduler = schedule.build_scheduler(cycle, Leadership(engine), threading.Event())
    every = {job.id: job.trigger.interval.total_seconds() for job in scheduler.get_jobs()}
    assert every["act"] == seconds
    assert every.get("reply") == (1 if app_token else None)


@pytest.mark.postgres
def test_either_replica_takes_a_press_also_after_the_leader_left(
    postgres_engine: Engine,
    slack: FakeSlack,  # noqa: F811
) -> None:
    start = utc_now().replace(microsecond=0) - timedelta(weeks=1)
    open_incident(postgres_engine, start)
    link_lead(postgres_engine, start)
    settings, secrets = Settings(alerts=ALERTS), secrets_for(slack)
    with replica(postgres_engine, settings, secrets) as leader:
        slack.socket_mode.wait_for_connections(1)
        wait_until(lambda: slack.parents)
        (parent,) = slack.parents
        with replica(postgres_engine, settings, secrets):
            slack.socket_mode.wait_for_connections(2)
            pressed = slack.press(parent, "acknowledge", LEA, to=1)  # on the replica that waits
            assert pressed.acknowledged.wait(3.0)
            wait_until(lambda: slack.ephemerals)
            wait_until(lambda: "acknowledge" not in actions_of(parent))
            leader.set()
            wait_until(lambda: len(slack.socket_mode.connections) == 1)
            assert slack.press(parent, "snooze", LEA).acknowledged.wait(3.0)
            wait_until(lambda: len(slack.ephemerals) == 2, 60)
    with transaction(postgres_engine) as connection:
        (incident,) = list_incidents(connection)
        presses = list_presses(connection)
    assert (incident.status, incident.version) == ("snoozed", 3)
    assert [press.outcome for press in presses] == ["done", "done"]
    assert all(envelope.seconds < 3.0 for envelope in slack.socket_mode.envelopes.values())


@contextmanager
def process(engine: Engine, server: FakeSlack) -> Iterator[subprocess.Popen[bytes]]:
    """Run the schedule part as a process."""
    environment = os.environ | {
        "DRIFTWARDEN_DATABASE__URL": engine.url.render_as_string(hide_password=False),
        "DRIFTWARDEN_ALERTS__CHANNEL": CHANNEL,
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "SLACK_API_URL": server.url,
    }
    command = [sys.executable, "-c", "from monitor.cli import main; main()", "run"]
    with subprocess.Popen([*command, "--only", "schedule"], env=environment) as child:
        try:
            yield child
        finally:
            child.kill()


@pytest.mark.postgres
@pytest.mark.drill
def test_a_press_after_the_leader_was_killed_is_done(
    postgres_empty_database: str,
    slack: FakeSlack,  # noqa: F811
) -> None:
    engine = make_engine(postgres_empty_database)
    upgrade(engine)
    start = utc_now().replace(microsecond=0) - timedelta(weeks=1)
    open_incident(engine, start)
    link_lead(engine, start)
    with process(engine, slack) as leader:
        slack.socket_mode.wait_for_connections(1, 60)
        wait_until(lambda: slack.parents, 60)
        (parent,) = slack.parents
        with process(engine, slack):
            slack.socket_mode.wait_for_connections(2, 60)
            leader.kill()
            wait_until(lambda: len(slack.socket_mode.connections) == 1)
            killed = time.monotonic()
            assert slack.press(parent, "acknowledge", LEA).acknowledged.wait(3.0)
            wait_until(lambda: slack.ephemerals, 60)
            assert time.monotonic() - killed < 45.0
            wait_until(lambda: "acknowledge" not in actions_of(parent))
    with transaction(engine) as connection:
        assert [press.outcome for press in list_presses(connection)] == ["done"]
    engine.dispose()


def test_a_retraining_is_confirmed_in_slack(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    world = make_world(any_engine, clock)
    link_lead(any_engine, clock)
    with transaction(any_engine) as connection:
        handle_evaluation(connection, world.evaluation_id, clock, alerts=ALERTS)
        settle(
            connection, world.batch_id, (world.users["Ada"], world.users["Ben"]),
            lambda number, item: (
                JUDGEMENT if item.cluster is not None else (KNOWLEDGE if number < 3 else RIGHT)
            ), clock,
        )  # fmt: skip
        review = Review(min_drifted_gold=3)
        decision = decide(connection, world.batch_id, review, clock)
    assert decision.recommendation == "retrain"
    settings = Settings(alerts=ALERTS, review=review, retrain=Retrain(require_confirmation=True))
    cycle = Cycle.build(any_engine, settings, secrets_for(slack), clock)
    receiver = PressReceiver.build(any_engine, secrets_for(slack), ACTIONS)
    assert receiver is not None
    receiver.start()
    try:
        slack.socket_mode.wait_for_connections(1)

        def work() -> None:
            cycle.act(clock)
            cycle.reply(clock)
            follow_up.decide(any_engine, settings, clock)
            cycle.deliver(clock)

        work()
        incident, message = slack.parents
        assert "show_retraining" in actions_of(incident)
        assert actions_of(message) == ["show_retraining"]
        with transaction(any_engine) as connection:
            save_preview(connection, decision.id, {"refusal": "raise max_length to 134"})
        assert slack.press(incident, "show_retraining", LEA).acknowledged.wait(3.0)
        work()
        assert "raise max_length to 134" in str(slack.ephemerals.pop())
        with transaction(any_engine) as connection:
            save_preview(connection, decision.id, None)
        assert slack.press(incident, "show_retraining", LEA).acknowledged.wait(3.0)
        work()
        (data,) = slack.ephemerals
        for text in ("gold example", "card_lost (", str(decision.inputs["drifted_gold"])):
            assert text in data.blocks[0]["text"]["text"]
        with transaction(any_engine) as connection:
            assert decision_by_id(connection, decision.id).confirmed_by is None
        assert slack.press(data, "confirm_retraining", LEA).acknowledged.wait(3.0)
        work()
        with transaction(any_engine) as connection:
            assert decision_by_id(connection, decision.id).confirmed_by == "Bea"
        assert "show_retraining" not in actions_of(incident)
        # The button that a later message can't take away.
        assert slack.press(message, "show_retraining", LEA).acknowledged.wait(3.0)
        work()
    finally:
        receiver.close()
    with transaction(any_engine) as connection:
        outcomes = [press.outcome for press in list_presses(connection)]
    assert outcomes == ["refused", "shown", "done", "refused"]


def test_check_of_buttons_without_a_schema_ends_in_order(
    tmp_path: Path,
    slack: FakeSlack,  # noqa: F811
) -> None:
    settings = Settings(database={"url": f"sqlite:///{tmp_path / 'empty.db'}"})
    with pytest.raises(SchemaError):  # which the check of the database reports
        buttons_finding(settings, secrets_for(slack))


def test_check_names_what_the_buttons_lack(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    with stamped(engine):
        settings = Settings(database={"url": str(engine.url)})
        assert buttons_finding(settings, secrets_for(slack, "")).status == "note"
        unlinked = buttons_finding(settings, secrets_for(slack))
        assert (unlinked.status, "accounts slack" in unlinked.message) == ("note", True)
        link_lead(engine, clock)
        assert buttons_finding(settings, secrets_for(slack)).status == "ok"
        slack.scopes = {"channels:history"}
        lacking = buttons_finding(settings, secrets_for(slack))
        assert (lacking.status, "chat:write" in lacking.message) == ("fail", True)
        slack.scopes = {"chat:write"}
        slack.app_scopes = set()
        with pytest.raises(ChannelMisconfiguredError, match="connections:write"):
            buttons_finding(settings, secrets_for(slack))
        with pytest.raises(ChannelMisconfiguredError, match="SLACK_APP_TOKEN"):
            buttons_finding(settings, secrets_for(slack, "xapp-wrong"))
        slack.app_scopes = {"connections:write"}
        slack.scripted_replies = [
            Reply(body={"ok": True}, headers={"X-OAuth-Scopes": "chat:write"})
        ]
        slack.scripted_replies += [Reply(status=503)] * 3
        with pytest.raises((ChannelMisconfiguredError, ChannelUnavailableError)):
            buttons_finding(settings, secrets_for(slack))
