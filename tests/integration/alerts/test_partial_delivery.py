"""Channels that take some messages: who is told meanwhile, and as what."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from monitor.alerts.channels import Channels, only
from monitor.alerts.fallback import PATIENCE, deliver, failing_channels
from monitor.alerts.incidents import clear, note, report
from monitor.alerts.outbox import deliver_due
from monitor.alerts.routes import Routes
from monitor.daemon.leader_metrics import read_gauges
from monitor.errors import (
    ChannelMisconfiguredError,
    ChannelUnavailableError,
    DriftwardenError,
)
from monitor.rendering.mrkdwn import render_text
from monitor.settings import Alerts, ChannelSettings, load_configuration
from monitor.store.alerts.channel_state import failing_channel, stuck_messages
from monitor.store.alerts.delivery import DueMessage, Thread
from monitor.store.alerts.incident_events import list_events
from monitor.store.alerts.incidents import list_incidents
from monitor.store.alerts.outbox import Kind, withdraw_messages
from monitor.store.engine import transaction
from tests.integration.alerts.outbox_messages import add_messages, outbox_rows
from tests.services.slack import FakeSlack, slack  # noqa: F401 - a fixture
from tests.support.alerts.senders import MemorySender, slack_sender

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ALERTS = Alerts()
SETTINGS = ChannelSettings(kind="slack", channel="C0DRIFT")
REFUSED = ChannelMisconfiguredError("refused")


class Mail(MemorySender):
    """A channel that can change nothing that it has sent."""

    def takes(self, kind: Kind, *, of_incident: bool, is_broadcast: bool) -> bool:
        """Return whether somebody is to be told."""
        return kind == "post" or (kind == "reply" and is_broadcast)


class Picky(MemorySender):
    """A channel that does not take one kind of messages."""

    def __init__(self, refused: str, error: DriftwardenError = REFUSED) -> None:
        super().__init__("picky")
        self.refused, self.error = refused, error

    def send(
        self, message: DueMessage, payload: dict[str, object], thread: Thread | None
    ) -> Thread:
        """Refuse messages of the kind or subject, and take what else there is."""
        if self.refused in {message.kind, message.subject}:
            raise self.error
        return super().send(message, payload, thread)


def with_mail(main: MemorySender, mail: MemorySender) -> Channels:
    return Channels(
        Routes({"slack": SETTINGS, "mail": SETTINGS}, (), "mail"), {"slack": main, "mail": mail}
    )


def hold(engine: Engine, now: datetime, *keys: str) -> int:
    with transaction(engine) as connection:
        text = f"No record for {len(keys) + 2} hours."
        return report(
            connection, "no_traffic", "assistant", now, text=text, keys=keys, alerts=ALERTS
        )


def end(engine: Engine, now: datetime) -> None:
    """Let the condition be clear for long enough."""
    with transaction(engine) as connection:
        clear(connection, "no_traffic", "assistant", now, alerts=ALERTS)
        clear(connection, "no_traffic", "assistant", now + HOUR, alerts=ALERTS)


@pytest.mark.parametrize("error", [REFUSED, ChannelUnavailableError("down")])
def test_a_channel_that_refuses_updates_gets_the_replies(
    engine: Engine, clock: datetime, error: DriftwardenError
) -> None:
    """Its message is stale: the replies tell that it is worse and that it ended."""
    main = Picky("update", error)
    channels = only(main)
    hold(engine, clock)
    deliver_due(engine, channels, clock)
    hold(engine, clock + MINUTE, "worse")
    for minute in (1, 6, 11, 16, 19):
        for seconds in (0, 5):
            now = clock + minute * MINUTE + seconds * SECOND
            deliver(engine, channels, now, alerts=ALERTS)
    end(engine, clock + 20 * MINUTE)
    for seconds in (0, 5):
        deliver(engine, channels, clock + 85 * MINUTE + seconds * SECOND, alerts=ALERTS)
    sent = [(kind, text[0]) for kind, text in main.sent if "assistant" in text]
    assert sent == [("post", "🔴"), ("reply", "🔴"), ("reply", "🟢")]
    with transaction(engine) as connection:
        daemon = next(row for row in list_incidents(connection) if not row.model)
    assert daemon.cause == "messages_undelivered"
    assert "slack: 1 message not delivered" in daemon.summary


def test_the_fallback_gets_what_waits_behind_a_message_that_is_not_taken(
    engine: Engine, clock: datetime
) -> None:
    """Nobody has tried it yet, and the channel takes others."""
    main, mail = Picky("reply"), Mail("mail")
    channels = with_mail(main, mail)
    incident = hold(engine, clock)
    deliver(engine, channels, clock, alerts=ALERTS)
    with transaction(engine) as connection:
        note(connection, incident, "Ann", "looking", clock + MINUTE)
    hold(engine, clock + 2 * MINUTE, "worse")
    for minute in (2, 7, 12, 17, 19):
        add_messages(engine, 1, clock + minute * MINUTE, subject=f"digest {minute}")
        for seconds in (0, 5):
            now = clock + minute * MINUTE + seconds * SECOND
            deliver(engine, channels, now, alerts=ALERTS)
    assert [kind for kind, text in mail.sent if "assistant" in text] == ["reply"]
    assert "message 0" not in [text for _, text in mail.sent]


def test_one_message_in_ten_is_one_incident_and_the_fallback_speaks(
    engine: Engine, clock: datetime
) -> None:
    """Slack takes one each 12 minutes; the daemon is started again each minute."""
    main, mail = MemorySender("main"), Mail("mail")
    for minute in range(50):
        now = clock + minute * MINUTE
        if minute % 3 == 0:
            add_messages(engine, 1, now, subject=f"{minute}")
        takes_one = minute % 12 == 0
        main.errors = [] if takes_one else [ChannelUnavailableError("down")] * 9
        n = len(main.sent)
        deliver(
            engine,
            with_mail(main, mail),
            now,
            alerts=ALERTS,
            may_continue=lambda n=n, takes_one=takes_one: not takes_one or len(main.sent) == n,
        )
    with transaction(engine) as connection:
        (incident,) = list_incidents(connection)
        events = [event.event for event in list_events(connection, incident.id)]
    assert events[0] == "opened"
    assert not {"resolved", "reopened"} & set(events)
    assert events.count("worsened") <= 1
    delays: dict[str, timedelta] = {}
    for row in outbox_rows(engine):
        after = (row.sent_at or clock + 9 * HOUR) - row.created_at
        delays[row.dedupe_key] = min(after, delays.get(row.dedupe_key, after))
    assert len(delays) == 18
    late = {key for key, after in delays.items() if after > PATIENCE + MINUTE}
    assert late <= {f"{minute}:0" for minute in range(36, 50, 3)}  # they have their time yet


@pytest.mark.parametrize("ahead", [timedelta(), 10 * MINUTE])
def test_failures_count_by_their_order_and_not_by_the_clock_of_the_replica(
    any_engine: Engine, clock: datetime, ahead: timedelta
) -> None:
    """One replica notes a failure by a clock that is ahead; then another delivers."""
    channels = only(Picky("notice"))
    add_messages(any_engine, 1, clock)
    deliver_due(any_engine, channels, clock + ahead)
    add_messages(any_engine, 1, clock, subject="digest")
    assert deliver_due(any_engine, channels, clock) == 1
    with transaction(any_engine) as connection:
        for later in (clock, clock + ahead + PATIENCE):
            assert failing_channel(connection, "slack", later) is None
            stuck = stuck_messages(connection, "slack", later)
            assert stuck is not None
            assert stuck.n == 1
            assert stuck.since < clock


def test_a_delivery_by_a_clock_that_is_ahead_hides_no_failure(
    engine: Engine, clock: datetime
) -> None:
    main, mail = MemorySender("main"), Mail("mail")
    channels = with_mail(main, mail)
    add_messages(engine, 1, clock + 10 * MINUTE)
    deliver(engine, channels, clock + 10 * MINUTE, alerts=ALERTS)
    main.errors = [REFUSED] * 99
    add_messages(engine, 1, clock, subject="late")
    for minute in range(17):
        deliver(engine, channels, clock + minute * MINUTE, alerts=ALERTS)
    assert "message 0" in [text for _, text in mail.sent]


def test_a_channel_with_nothing_that_waits_does_not_fail(engine: Engine, clock: datetime) -> None:
    """Its last attempt failed, and the message was withdrawn: nothing is known since."""
    main = MemorySender()
    channels = only(main)
    main.errors = [REFUSED]
    add_messages(engine, 1, clock)
    deliver(engine, channels, clock, alerts=ALERTS)
    with transaction(engine) as connection:
        withdraw_messages(connection, "assistant", clock + MINUTE)
    later = clock + timedelta(days=3)
    deliver(engine, channels, later, alerts=ALERTS)
    with transaction(engine) as connection:
        assert failing_channels(connection, channels, later) == []
        assert list_incidents(connection) == []
    gauges = read_gauges(engine, [], channels, later)
    assert gauges["driftwarden_channel_failing_seconds"] == {("slack",): 0.0}


def test_channels_with_one_token_fail_by_themselves_and_together(
    engine: Engine, clock: datetime
) -> None:
    """A model's channel that is archived is named; a revoked token is one incident of both."""
    routes = Routes.of(
        load_configuration(
            alerts={"channel": "C2"}, models={"a": {"alerts": {"channel": "C1"}}, "b": {}}
        )
    )
    own, shared = sorted(routes.channels, key=lambda name: "C1" not in name)
    senders = {own: Picky("notice", REFUSED), shared: MemorySender("shared")}
    channels = Channels(routes, senders)
    for model in ("a", "b"):
        with transaction(engine) as connection:
            report(connection, "no_traffic", model, clock, text="No record.", alerts=ALERTS)
    senders[own].refused = "no_traffic"
    for minute in range(17):
        deliver(engine, channels, clock + minute * MINUTE, alerts=ALERTS)
    with transaction(engine) as connection:
        names = [channel.name for channel in failing_channels(connection, channels, clock + HOUR)]
        daemon = next(row for row in list_incidents(connection) if not row.model)
    assert names == [own]
    assert "C1" in daemon.summary
    assert "refused" in daemon.summary
    senders[shared].errors = [REFUSED] * 99
    hold(engine, clock + 17 * MINUTE)
    for minute in range(17, 40):
        deliver(engine, channels, clock + minute * MINUTE, alerts=ALERTS)
    with transaction(engine) as connection:
        (daemon,) = [row for row in list_incidents(connection) if not row.model]
    assert all(f"{name} has taken no message" in daemon.summary for name in (own, shared))


def test_a_message_about_its_own_channel_notes_the_delivery(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    channels = only(slack_sender(slack))
    slack.is_member = False
    hold(engine, clock)
    for minute in range(17):
        deliver(engine, channels, clock + minute * MINUTE, alerts=ALERTS)
    slack.is_member = True
    deliver(engine, channels, clock + 22 * MINUTE, alerts=ALERTS)
    (own,) = [
        text
        for message in slack.parents
        if "has taken no message" in (text := render_text(message.blocks))
    ]
    assert "it takes messages again" in own
    end(engine, clock + HOUR)
    deliver(engine, channels, clock + 3 * HOUR, alerts=ALERTS)
    deliver(engine, channels, clock + 4 * HOUR, alerts=ALERTS)
    assert not any("takes messages again" in render_text(m.blocks) for m in slack.parents)


def test_a_channel_without_its_secret_fails_in_the_metrics(engine: Engine, clock: datetime) -> None:
    """As in the incident."""
    channels = Channels(Routes({"slack": SETTINGS}, ()))
    add_messages(engine, 1, clock)
    deliver(engine, channels, clock, alerts=ALERTS)  # names the channel
    gauges = read_gauges(engine, [], channels, clock + 20 * MINUTE)
    assert gauges["driftwarden_channel_failing_seconds"] == {("slack",): 1200.0}
