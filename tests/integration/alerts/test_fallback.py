"""Channels that take no messages: the fallback, the incident, the metric and the page."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from monitor.alerts.channels import Channels
from monitor.alerts.fallback import PATIENCE, deliver, failing_channels
from monitor.alerts.routes import Routes
from monitor.daemon.leader_metrics import read_gauges
from monitor.errors import ChannelMisconfiguredError, ChannelRefusedError
from monitor.settings import Alerts, ChannelSettings
from monitor.store.alerts.channel_state import FailingChannel
from monitor.store.alerts.incidents import list_incidents
from monitor.store.alerts.outbox import withdraw_messages
from monitor.store.engine import transaction
from monitor.store.tables import OutboxMessage
from tests.integration.alerts.outbox_messages import add_incident, add_messages, change_incident
from tests.services.slack import FakeSlack, slack  # noqa: F401 - a fixture
from tests.support.alerts.senders import MemorySender, slack_sender

MINUTE = timedelta(minutes=1)
ALERTS = Alerts()
CHANNEL_SETTINGS = ChannelSettings(kind="slack", channel="C1")
REFUSED = ChannelMisconfiguredError("refused")


def with_fallback(main: object | None, fallback: MemorySender) -> Channels:
    """Return a main channel, and a fallback."""
    settings = ChannelSettings(kind="slack", channel="C0DRIFT")
    routes = Routes({"slack": settings, "mail": settings}, (), "mail")
    senders = {"mail": fallback} if main is None else {"slack": main, "mail": fallback}
    return Channels(routes, senders)


def run_for(engine: Engine, channels: Channels, begin: datetime, minutes: int) -> None:
    for minute in range(minutes + 1):
        deliver(engine, channels, begin + minute * MINUTE, alerts=ALERTS)


def test_the_fallback_speaks_after_fifteen_minutes(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    fallback = MemorySender("mail")
    channels = with_fallback(slack_sender(slack), fallback)
    slack.is_member = False
    add_messages(any_engine, 2, clock)
    run_for(any_engine, channels, clock, 14)
    assert fallback.sent == []
    deliver(any_engine, channels, clock + PATIENCE, alerts=ALERTS)
    assert len(fallback.sent) == 3  # with the incident of the channel itself
    add_messages(any_engine, 1, clock + PATIENCE, subject="digest")
    deliver(any_engine, channels, clock + PATIENCE + MINUTE, alerts=ALERTS)
    assert len(fallback.sent) == 4  # at once
    slack.is_member = True
    deliver(any_engine, channels, clock + PATIENCE + 7 * MINUTE, alerts=ALERTS)
    assert len(slack.parents) == 4
    assert len(fallback.sent) == 4


def test_an_unreachable_channel_is_an_incident_until_it_is_mended(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    channels = with_fallback(slack_sender(slack, token="wrong"), MemorySender())
    add_messages(engine, 1, clock)
    run_for(engine, channels, clock, 20)
    with transaction(engine) as connection:
        (incident,) = list_incidents(connection)
        assert (incident.cause, incident.model) == ("messages_undelivered", "")
        (channel,) = failing_channels(connection, channels, clock + 20 * MINUTE)
        assert channel.since == clock
    gauges = read_gauges(engine, [], channels, clock + 20 * MINUTE)
    failing = gauges["driftwarden_channel_failing_seconds"]
    assert failing == {("slack",): 1200.0, ("mail",): 0.0}
    mended = with_fallback(slack_sender(slack), MemorySender())
    run_for(engine, mended, clock + 30 * MINUTE, 20)
    with transaction(engine) as connection:
        assert [row.status for row in list_incidents(connection)] == ["resolved"]


def test_a_channel_without_its_secret_has_the_fallback(engine: Engine, clock: datetime) -> None:
    fallback = MemorySender()
    add_messages(engine, 1, clock)
    run_for(engine, with_fallback(None, fallback), clock, 15)
    assert "message 0" in {text for _, text in fallback.sent}


def test_a_refused_message_goes_to_the_fallback_at_once(engine: Engine, clock: datetime) -> None:
    main, fallback = MemorySender(), MemorySender("mail")
    refusal = ChannelRefusedError("too long", code="refused")
    main.errors = [refusal, refusal]
    add_messages(engine, 2, clock)
    deliver(engine, with_fallback(main, fallback), clock, alerts=ALERTS)
    assert [text for _, text in main.sent] == ["message 1"]
    assert [text for _, text in fallback.sent] == ["message 0"]


def test_incident_reported_by_the_fallback_is_resolved_there(
    engine: Engine, clock: datetime
) -> None:
    main, fallback = MemorySender("main"), MemorySender("mail")
    channels = with_fallback(main, fallback)
    main.errors = [REFUSED] * 20
    incident = add_incident(engine, clock)
    run_for(engine, channels, clock, 15)
    n_before = len(fallback.sent)
    main.errors = []
    later = clock + timedelta(hours=1)
    change_incident(engine, incident, "update", later)
    deliver(engine, channels, later, alerts=ALERTS)
    assert [kind for kind, _ in fallback.sent[n_before:]][-1] == "update"
    assert {kind for kind, _ in main.sent} == {"post", "reply"}  # the post tells the update


@pytest.mark.parametrize("minutes", [14, 15])
def test_without_a_fallback_the_incident_waits_on_the_page(
    engine: Engine, clock: datetime, minutes: int
) -> None:
    main = MemorySender()
    main.errors = [REFUSED] * 50
    channels = Channels(Routes({"slack": CHANNEL_SETTINGS}, ()), {"slack": main})
    add_messages(engine, 1, clock)
    run_for(engine, channels, clock, minutes)
    with transaction(engine) as connection:
        assert len(list_incidents(connection)) == (minutes == 15)
        expected = [FailingChannel("slack", clock, "refused")] if minutes == 15 else []
        assert failing_channels(connection, channels, clock + minutes * MINUTE) == expected


def test_a_refused_message_that_no_channel_took_is_an_incident(
    engine: Engine, clock: datetime
) -> None:
    """Those of the incident itself, and those of removed models, don't prolong it."""
    main = MemorySender()
    refusal = ChannelRefusedError("too long", code="refused")
    main.errors = [refusal, refusal, refusal, refusal]
    channels = Channels(Routes({"slack": CHANNEL_SETTINGS}, ()), {"slack": main})
    add_messages(engine, 1, clock)
    run_for(engine, channels, clock, 3)
    with transaction(engine) as connection:
        (incident,) = list_incidents(connection)
        assert (incident.cause, incident.status) == ("messages_undelivered", "open")
    later = clock + timedelta(hours=24, minutes=1)
    add_messages(engine, 1, later, subject="other")
    with transaction(engine) as connection:
        connection.execute(update(OutboxMessage).values(attempts=1))
        withdraw_messages(connection, "assistant", later)
    run_for(engine, channels, later, 15)
    with transaction(engine) as connection:
        assert [row.status for row in list_incidents(connection)] == ["resolved"]
