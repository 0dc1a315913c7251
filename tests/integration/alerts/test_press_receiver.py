"""Presses of buttons over real WebSockets: stored, acknowledged in time, and survived."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text

from bench.services.postgres import PostgresServer
from monitor.alerts.actions.payload import parse_press
from monitor.alerts.actions.receiver import NOT_RECORDED, PressReceiver
from monitor.rendering.buttons import SNOOZES, Target, button, link_button, menu, parse_value
from monitor.settings import Secrets
from monitor.store.alerts.slack_actions import PressRow
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import metadata
from monitor.telemetry import REGISTRY
from tests.services.slack import (  # noqa: F401 - a fixture
    APP_TOKEN,
    CHANNEL,
    TOKEN,
    FakeSlack,
    Reply,
    slack,
)
from tests.services.slack_socket import Envelope, press_payload
from tests.support.alerts.presses import list_presses

#: Slack's patience.
PROMISE = 3.0
ACTIONS = {"acknowledge", "snooze"}
USER = "U0ANN"
SCHEDULE = {"part": "schedule"}
ACKNOWLEDGE = button("acknowledge", "Acknowledge", Target("incident:12", 3))


def secrets_for(server: FakeSlack, token: str = APP_TOKEN) -> Secrets:
    return Secrets(
        slack_bot_token=SecretStr(TOKEN),
        slack_app_token=SecretStr(token),
        slack_api_url=server.url,
    )


@contextmanager
def receiving(engine: Engine, server: FakeSlack, **options: Any) -> Iterator[PressReceiver]:
    """Run a replica's receiver, connected, until the block ends."""
    connected = server.socket_mode.n_connected
    receiver = PressReceiver(engine, secrets_for(server), ACTIONS, **options)
    receiver.start()
    try:
        server.socket_mode.wait_for_connections(connected + 1)
        yield receiver
    finally:
        receiver.close()


def press(server: FakeSlack, element: dict[str, Any] = ACKNOWLEDGE, **options: Any) -> Envelope:
    return server.socket_mode.send(press_payload(element, USER, CHANNEL), **options)


def acknowledged(*envelopes: Envelope) -> bool:
    return all(envelope.acknowledged.wait(2 * PROMISE) for envelope in envelopes) and all(
        envelope.seconds < PROMISE and envelope.n_acknowledgements == 1 for envelope in envelopes
    )


def stored(engine: Engine) -> list[PressRow]:
    with transaction(engine) as connection:
        return list_presses(connection)


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_press_is_stored_before_it_is_acknowledged(any_engine: Engine, slack: FakeSlack) -> None:  # noqa: F811
    with receiving(any_engine, slack):
        assert acknowledged(press(slack))
        (row,) = stored(any_engine)  # no wait: the row was there before the acknowledgement
        assert (row.action, row.subject, row.version, row.choice) == (
            "acknowledge", "incident:12", 3, ""
        )  # fmt: skip
        assert (row.slack_user, row.slack_channel) == (USER, CHANNEL)
        assert row.outcome is None
        assert acknowledged(
            press(slack, menu("snooze", "Snooze", SNOOZES, Target("incident:12", 4)))
        )
        assert stored(any_engine)[1].choice == "1h"


def test_a_payload_delivered_again_is_stored_once(any_engine: Engine, slack: FakeSlack) -> None:  # noqa: F811
    with receiving(any_engine, slack), receiving(any_engine, slack):
        payload = press_payload(ACKNOWLEDGE, USER, CHANNEL)
        envelopes = [slack.socket_mode.send(payload) for _ in range(6)]
        assert acknowledged(*envelopes)
        assert len(stored(any_engine)) == 1
        assert acknowledged(press(slack))  # pressed again, not delivered again
        assert len(stored(any_engine)) == 2


def test_a_hundred_presses_at_once_are_acknowledged_in_time(
    any_engine: Engine,
    slack: FakeSlack,  # noqa: F811
) -> None:
    with receiving(any_engine, slack), receiving(any_engine, slack):
        # As large as Slack's, which quote the message.
        message = {"text": "x" * 20_000}
        payloads = [press_payload(ACKNOWLEDGE, USER, CHANNEL, message=message) for _ in range(100)]
        envelopes = [slack.socket_mode.send(payload) for payload in payloads]
        assert acknowledged(*envelopes)
        assert len(stored(any_engine)) == 100


HOSTILE: list[Any] = [
    {},
    {"type": "view_submission", "view": {"private_metadata": "acknowledge incident:12:3"}},
    press_payload({"action_id": "drop", "value": "incident:12:3"}, USER, CHANNEL),
    press_payload(ACKNOWLEDGE | {"value": "incident:12:3:4"}, USER, CHANNEL),
    press_payload(ACKNOWLEDGE | {"value": "incident:-1:3"}, USER, CHANNEL),
    press_payload(ACKNOWLEDGE | {"value": f"incident:{'9' * 30}:3"}, USER, CHANNEL),
    press_payload(ACKNOWLEDGE | {"value": "incident:12:3\n"}, USER, CHANNEL),
    press_payload(ACKNOWLEDGE | {"value": "x' OR 1=1; --"}, USER, CHANNEL),
    press_payload(ACKNOWLEDGE | {"value": "incident:12:3\x00"}, USER, CHANNEL),
    press_payload(ACKNOWLEDGE | {"value": "incident:\uff11:3"}, USER, CHANNEL),
    press_payload(ACKNOWLEDGE, "U0\x00", CHANNEL),
    press_payload(ACKNOWLEDGE, "<!channel>", CHANNEL),
    press_payload(ACKNOWLEDGE, USER, "https://evil.example"),
    press_payload(ACKNOWLEDGE, USER, CHANNEL, actions=[]),
    press_payload(ACKNOWLEDGE, USER, CHANNEL, actions={"action_id": "acknowledge"}),
    press_payload(ACKNOWLEDGE, USER, CHANNEL) | {"user": None},
    press_payload(menu("snooze", "s", {"1h; DROP": "x"}, Target("incident:1", 1)), USER, CHANNEL),
    press_payload(link_button("Queue", "https://drift.example/review"), USER, CHANNEL),
]


def test_hostile_payloads_are_acknowledged_and_not_stored(engine: Engine, slack: FakeSlack) -> None:  # noqa: F811
    with receiving(engine, slack):
        envelopes = [slack.socket_mode.send(payload) for payload in HOSTILE]
        envelopes += [slack.socket_mode.send({"type": "event"}, kind="events_api")]
        for raw in ("", "not json", "{}", '{"type": 5, "envelope_id": []}', "[1]", '{"a":'):
            slack.socket_mode.send_raw(raw)
        slack.socket_mode.send("text", kind="interactive")
        assert acknowledged(*envelopes)
        assert acknowledged(press(slack))
        assert [row.subject for row in stored(engine)] == ["incident:12"]


def test_values_of_buttons_survive_the_way_through_slack() -> None:
    for target in (Target("incident:1", 0), Target("decision:999", 12, "4h")):
        assert parse_value(str(target)) == target


def test_hostile_payloads_are_no_press(clock: datetime) -> None:
    assert [parse_press(payload, ACTIONS, clock) for payload in HOSTILE] == [None] * len(HOSTILE)


def test_press_without_a_database_is_reported_as_not_recorded(slack: FakeSlack) -> None:  # noqa: F811
    gone = make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/gone")
    with receiving(gone, slack):
        assert acknowledged(press(slack))
        wait_until(lambda: bool(slack.ephemerals))
    (reply,) = slack.ephemerals
    assert (reply.user, reply.text) == (USER, NOT_RECORDED)


@pytest.mark.postgres
def test_a_press_is_recorded_again_once_the_database_is_back(
    own_postgres: PostgresServer,
    slack: FakeSlack,  # noqa: F811
) -> None:
    engine = make_engine(own_postgres.url)
    metadata.create_all(engine)
    with receiving(engine, slack):
        assert acknowledged(press(slack))
        own_postgres.stop()
        assert acknowledged(press(slack))
        wait_until(lambda: len(slack.ephemerals) == 1)
        own_postgres.start()
        assert acknowledged(press(slack))
        assert len(stored(engine)) == 2
    engine.dispose()
    assert [reply.text for reply in slack.ephemerals] == [NOT_RECORDED]


def test_press_reported_as_not_recorded_is_not_stored_later(
    any_engine: Engine,
    slack: FakeSlack,  # noqa: F811
) -> None:
    with receiving(any_engine, slack):
        with any_engine.connect() as blocking:  # the database accepts, and then hangs
            if any_engine.dialect.name == "postgresql":
                blocking.execute(text("LOCK TABLE slack_actions IN ACCESS EXCLUSIVE MODE"))
            else:
                blocking.begin()
            envelopes = [press(slack) for _ in range(30)]
            assert acknowledged(*envelopes)
            wait_until(lambda: len(slack.ephemerals) == 30)
            blocking.rollback()
        assert acknowledged(press(slack))
        assert len(stored(any_engine)) == 1
    assert {reply.text for reply in slack.ephemerals} == {NOT_RECORDED}


@pytest.mark.parametrize("fault", ["announce_disconnect", "close", "cut"])
def test_a_receiver_connects_anew_after_a_disconnect(
    engine: Engine,
    slack: FakeSlack,  # noqa: F811
    fault: str,
) -> None:
    with receiving(engine, slack, ping_seconds=0.2):
        getattr(slack.socket_mode, fault)()
        slack.socket_mode.wait_for_connections(2)
        # At once, while the old connection is being left.
        assert acknowledged(press(slack, to=-1))
        assert len(stored(engine)) == 1


def test_refusal_of_the_token_ends_with_it(
    engine: Engine,
    slack: FakeSlack,  # noqa: F811
) -> None:
    with receiving(engine, slack, ping_seconds=0.2) as receiver:
        assert not receiver.is_refused
        slack.app_scopes = set()
        slack.socket_mode.cut()
        wait_until(lambda: receiver.is_refused)
        slack.scripted_replies = [Reply(status=503)]
        wait_until(lambda: not slack.scripted_replies)
        assert receiver.is_refused  # an outage says nothing about the token
        slack.app_scopes = {"connections:write"}
        slack.socket_mode.wait_for_connections(2)
        wait_until(lambda: acknowledged(press(slack, to=-1)))
        assert not receiver.is_refused


def test_a_frozen_connection_is_made_anew(engine: Engine, slack: FakeSlack) -> None:  # noqa: F811
    with receiving(engine, slack, ping_seconds=0.3):
        slack.socket_mode.is_frozen = True
        slack.socket_mode.wait_for_connections(2)
        slack.socket_mode.is_frozen = False
        wait_until(lambda: bool(slack.socket_mode.connections))
        assert acknowledged(press(slack, to=-1))


def test_a_receiver_starts_while_slack_refuses(engine: Engine, slack: FakeSlack) -> None:  # noqa: F811
    slack.scripted_replies = [Reply(status=500), Reply(body={"ok": False, "error": "fatal_error"})]
    with receiving(engine, slack):
        assert acknowledged(press(slack))
        assert REGISTRY.get_sample_value("driftwarden_slack_connected", SCHEDULE) == 1.0
    assert REGISTRY.get_sample_value("driftwarden_slack_connected", SCHEDULE) == 0.0


def test_a_receiver_without_slack_ends_at_once(engine: Engine, slack: FakeSlack) -> None:  # noqa: F811
    receiver = PressReceiver(engine, secrets_for(slack, token="xapp-revoked"), ACTIONS)
    receiver.start()
    wait_until(lambda: bool(slack.calls))
    began = time.monotonic()
    receiver.close()
    assert time.monotonic() - began < 5.0
    assert slack.socket_mode.n_connected == 0
