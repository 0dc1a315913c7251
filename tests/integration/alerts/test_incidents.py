"""Incidents and their Slack messages: opened, worsened, resolved, acknowledged, delivered."""

from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select

from monitor.alerts.channels import only, open_channels
from monitor.alerts.channels.slack import SlackSender
from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.incidents import acknowledge
from monitor.alerts.outbox import EXPIRES_AFTER, LEASE, deliver_due
from monitor.errors import ChannelMisconfiguredError, NotFoundError
from monitor.rendering.mrkdwn import render_text
from monitor.settings import Alerts, Secrets, default_configuration
from monitor.store.alerts import channel_state, delivery, incidents, outbox, routing
from monitor.store.engine import transaction
from monitor.store.tables import AuditEntry, IncidentThread, OutboxMessage
from monitor.store.windows.drift_evaluations import mark_followed_up
from monitor.telemetry import MESSAGES_FAILED
from tests.services.slack import (  # noqa: F401 - a fixture
    CHANNEL,
    CHANNEL_NAME,
    TOKEN,
    FakeSlack,
    Reply,
    slack,
)
from tests.support.windows.assessments import (
    make_assessment,
    make_numeric_column,
    not_comparable,
    not_enough_data,
    store_evaluation,
)

DAY, WEEK = timedelta(days=1), timedelta(days=7)
ALERTS = Alerts(channel=CHANNEL, public_url="https://drift.example", runbook_url="https://run.book")


def sender_for(server: FakeSlack, token: str = TOKEN, channel: str = CHANNEL) -> SlackSender:
    secrets = Secrets(slack_bot_token=SecretStr(token), slack_api_url=server.url)
    return SlackSender(secrets, channel, timeout_seconds=5)


def live_through(engine: Engine, start: datetime, *assessments) -> list[int | None]:
    """Handle windows in order, like the daemon."""
    handled = []
    for week, assessment in enumerate(assessments):
        with transaction(engine) as connection:
            begins = start + week * WEEK
            evaluation_id = store_evaluation(connection, assessment, begins)
            handled.append(
                handle_evaluation(connection, evaluation_id, begins + WEEK, alerts=ALERTS)
            )
            mark_followed_up(connection, evaluation_id, begins + WEEK)
    return handled


def thread_ts(engine: Engine, target: str = CHANNEL) -> str | None:
    """Return the timestamp of the incident's message in a channel."""
    with transaction(engine) as connection:
        statement = select(IncidentThread.ts).where(IncidentThread.target == target)
        return connection.execute(statement).scalar_one_or_none()


def only_incident(engine: Engine) -> incidents.IncidentRow:
    with transaction(engine) as connection:
        (incident,) = incidents.list_incidents(connection)
    return incident


def test_incident_from_alarm_to_resolution(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    sender = sender_for(slack)
    live_through(any_engine, clock, make_assessment(0.10))
    assert deliver_due(any_engine, only(sender), clock + WEEK) == 2
    (parent,) = slack.parents
    assert parent.blocks[0]["text"]["text"] == "🚨 CRITICAL Drift: assistant"
    assert len(slack.replies(parent)) == 1
    assert thread_ts(any_engine) == parent.ts

    live_through(any_engine, clock + WEEK, make_assessment(0.11))
    assert deliver_due(any_engine, only(sender), clock + 2 * WEEK) == 1
    assert parent.blocks[0]["text"]["text"] == "🚨 CRITICAL Drift continues: assistant"
    assert len(slack.replies(parent)) == 1

    live_through(any_engine, clock + 2 * WEEK, make_assessment(0.30))
    deliver_due(any_engine, only(sender), clock + 3 * WEEK)
    assert parent.blocks[0]["text"]["text"] == "🚨 CRITICAL Drift, worse: assistant"
    assert slack.calls[-2][1]["reply_broadcast"] is True
    assert "reply_broadcast" not in slack.calls[-1][1]

    live_through(any_engine, clock + 3 * WEEK, make_assessment())
    assert deliver_due(any_engine, only(sender), clock + 4 * WEEK) == 1  # nobody is notified
    assert parent.blocks[0]["text"]["text"] == "🟡 Drift, no longer found: assistant"

    live_through(any_engine, clock + 4 * WEEK, make_assessment())
    assert deliver_due(any_engine, only(sender), clock + 5 * WEEK) == 2
    assert parent.blocks[0]["text"]["text"] == "🟢 Drift, resolved: assistant"
    assert slack.calls[-1][1]["reply_broadcast"] is True
    assert [parent.ts] == [message.ts for message in slack.parents]
    assert parent.n_updates == 4
    incident = only_incident(any_engine)
    assert incident.status == "resolved"
    assert incident.resolved_at == clock + 5 * WEEK


def test_every_change_of_an_incident_is_in_the_audit_log(engine: Engine, clock: datetime) -> None:
    (incident_id,) = live_through(engine, clock, make_assessment(0.2))
    with transaction(engine) as connection:
        acknowledge(connection, incident_id, "Ann", clock + WEEK, alerts=ALERTS)
    alarms = make_assessment(0.2), make_assessment(0.6)
    live_through(engine, clock + WEEK, *alarms, make_assessment(), make_assessment())
    with transaction(engine) as connection:
        columns = (AuditEntry.actor, AuditEntry.action, AuditEntry.details)
        rows = connection.execute(select(*columns).order_by(AuditEntry.id)).all()
    entries = [(row.actor, row.action, row.details["to"]) for row in rows]
    assert entries == [
        ("driftwarden", "opened", "open"),
        ("Ann", "acknowledged", "acknowledged"),
        ("driftwarden", "worsened", "open"),
        ("driftwarden", "resolved", "resolved"),
    ]


def test_handling_an_evaluation_again_changes_nothing(engine: Engine, clock: datetime) -> None:
    with transaction(engine) as connection:
        evaluation_id = store_evaluation(connection, make_assessment(0.10), clock)
        first = handle_evaluation(connection, evaluation_id, clock + WEEK, alerts=ALERTS)
    with transaction(engine) as connection:
        again = handle_evaluation(connection, evaluation_id, clock + 2 * WEEK, alerts=ALERTS)
        messages = outbox.list_messages(connection)
    assert again == first
    assert len(messages) == 2


def test_new_kind_of_alarm_worsens_an_incident(engine: Engine, clock: datetime) -> None:
    metric = make_numeric_column(relative_change=-0.11)
    live_through(
        engine,
        clock,
        make_assessment(0.40),
        make_assessment(0.40, numeric_columns=(metric,)),
        make_assessment(0.40, numeric_columns=(metric,)),
    )
    incident = only_incident(engine)
    assert incident.fingerprint == {"input", "metric:resolved"}
    with transaction(engine) as connection:
        kinds = [message.kind for message in reversed(outbox.list_messages(connection))]
    assert kinds == ["post", "reply", "update", "reply", "reply", "update"]


def test_growing_severity_worsens_an_incident_above_the_thresholds(
    engine: Engine, clock: datetime
) -> None:
    shares = (0.10, 0.13, 0.145, 0.16)
    live_through(engine, clock, *(make_assessment(share) for share in shares))
    with transaction(engine) as connection:
        kinds = [message.kind for message in reversed(outbox.list_messages(connection))]
    assert kinds == ["post", "reply", "update", "update", "update", "reply", "reply"]


def test_missing_data_is_announced_once_per_series(engine: Engine, clock: datetime) -> None:
    blind = not_enough_data()
    handled = live_through(engine, clock, blind, blind, make_assessment(), blind)
    assert handled == [None, None, None, None]
    with transaction(engine) as connection:
        messages = outbox.list_messages(connection)
    assert [message.kind for message in messages] == ["post", "post"]
    assert "driftwarden check" in render_text(messages[0].payload["blocks"])


def test_window_that_lacks_more_is_announced_again(engine: Engine, clock: datetime) -> None:
    lacking, more = not_comparable("resolved"), not_comparable("csat", "resolved")
    live_through(engine, clock, not_enough_data(), lacking, lacking, more, lacking)
    with transaction(engine) as connection:
        newest, *_, first = outbox.list_messages(connection)[:2]
    for message, name in ((newest, "csat"), (first, "resolved")):
        text = render_text(message.payload["blocks"])
        assert "Not comparable: assistant" in text
        assert f"{name}' is no longer sent (600 values before, none now)" in text
        assert "drift.optional" in text
    with transaction(engine) as connection:
        assert len(outbox.list_messages(connection)) == 3
        assert incidents.list_incidents(connection) == []


def test_missing_data_does_not_resolve_an_incident(engine: Engine, clock: datetime) -> None:
    live_through(engine, clock, make_assessment(0.2), not_enough_data(), not_enough_data())
    assert only_incident(engine).status == "open"
    with transaction(engine) as connection:
        kinds = [message.kind for message in reversed(outbox.list_messages(connection))]
    assert kinds == ["post", "reply", "update", "reply"]


def test_superseded_window_changes_nothing(engine: Engine, clock: datetime) -> None:
    live_through(engine, clock, make_assessment())
    with transaction(engine) as connection:
        old = store_evaluation(connection, make_assessment(0.3), clock - WEEK)
        assert handle_evaluation(connection, old, clock, alerts=ALERTS) is None
        assert incidents.list_incidents(connection) == []


def test_missed_windows_are_handled_in_order(engine: Engine, clock: datetime) -> None:
    with transaction(engine) as connection:
        drifted = store_evaluation(connection, make_assessment(0.3), clock)
        fine = [
            store_evaluation(connection, make_assessment(), clock + week * WEEK) for week in (1, 2)
        ]
    for evaluation_id in (drifted, *fine):
        with transaction(engine) as connection:
            handle_evaluation(connection, evaluation_id, clock + 2 * WEEK, alerts=ALERTS)
            mark_followed_up(connection, evaluation_id, clock + 2 * WEEK)
    assert only_incident(engine).status == "resolved"


def test_acknowledging_names_the_user_in_slack(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    (incident_id,) = live_through(engine, clock, make_assessment(0.2))
    with transaction(engine) as connection:
        assert acknowledge(connection, incident_id, "Ann <b>", clock + WEEK, alerts=ALERTS)
        assert not acknowledge(connection, incident_id, "Bob", clock + WEEK, alerts=ALERTS)
        with pytest.raises(NotFoundError):
            acknowledge(connection, 99, "Ann", clock, alerts=ALERTS)
    deliver_due(engine, only(sender_for(slack)), clock + WEEK)
    (parent,) = slack.parents
    assert parent.blocks[-1]["elements"][0]["text"].startswith("Acknowledged by Ann &lt;b&gt;.")
    live_through(engine, clock + WEEK, make_assessment(0.6))
    assert only_incident(engine).status == "open"


def test_unavailable_slack_delays_and_keeps_the_order(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    sender = sender_for(slack)
    live_through(any_engine, clock, make_assessment(0.2))
    now = clock + WEEK
    slack.scripted_replies = [Reply(status=429, headers={"Retry-After": "90"})]
    assert deliver_due(any_engine, only(sender), now) == 0
    assert len(slack.calls) == 1
    assert deliver_due(any_engine, only(sender), now + timedelta(seconds=89)) == 0
    assert len(slack.calls) == 1
    assert deliver_due(any_engine, only(sender), now + timedelta(seconds=91)) == 2
    assert [message.thread_ts is None for message in slack.messages.values()] == [True, False]


def test_short_waits_are_retried_in_the_call(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    live_through(engine, clock, make_assessment(0.2))
    slack.scripted_replies = [Reply(status=429, headers={"Retry-After": "0"})]
    assert deliver_due(engine, only(sender_for(slack)), clock + WEEK) == 2
    assert len(slack.parents) == 1


def test_unreachable_slack_delays_delivery(engine: Engine, clock: datetime) -> None:
    secrets = Secrets(slack_bot_token=SecretStr(TOKEN), slack_api_url="http://127.0.0.1:9/api/")
    sender = SlackSender(secrets, CHANNEL, timeout_seconds=1)
    live_through(engine, clock, make_assessment(0.2))
    assert deliver_due(engine, only(sender), clock + WEEK) == 0
    with transaction(engine) as connection:
        first = outbox.list_messages(connection)[-1]
    assert first.attempts == 1
    assert first.failed_at is None
    assert first.error.startswith("Slack is unavailable")


@pytest.mark.parametrize(
    ("token", "channel", "is_member", "reason"),
    [
        ("xoxb-wrong", CHANNEL, True, "SLACK_BOT_TOKEN"),
        (TOKEN, "C0WRONG", True, "invite the bot"),
        (TOKEN, CHANNEL, False, "invite the bot"),
    ],
)
def test_messages_wait_until_the_channel_is_mended(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
    token: str,
    channel: str,
    is_member: bool,
    reason: str,
) -> None:
    live_through(any_engine, clock, make_assessment(0.2))
    now = clock + WEEK
    slack.is_member = is_member
    for hours in range(5):
        broken = sender_for(slack, token, channel)
        assert deliver_due(any_engine, only(broken), now + timedelta(hours=hours)) == 0
    with transaction(any_engine) as connection:
        assert channel_state.pending_messages(connection).n == 2
        failing = channel_state.failing_channel(connection, "slack", now + timedelta(hours=4))
    assert failing is not None
    assert failing.since == now
    assert reason in failing.error
    slack.is_member = True
    mended = now + timedelta(hours=4, minutes=5)
    assert deliver_due(any_engine, only(sender_for(slack)), mended) == 2
    (parent,) = slack.parents
    assert len(slack.replies(parent)) == 1
    with transaction(any_engine) as connection:
        assert channel_state.failing_channel(connection, "slack", mended) is None


def test_refused_blocks_are_sent_as_text(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    live_through(engine, clock, make_assessment(0.2))
    slack.refused_words = {"assistant": "invalid_blocks"}
    assert deliver_due(engine, only(sender_for(slack)), clock + WEEK) == 2
    (parent,) = slack.parents
    assert parent.blocks == []
    assert "assistant" in parent.text
    assert thread_ts(engine) == parent.ts


def test_without_charts_the_message_has_its_text(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    live_through(engine, clock, make_assessment(), make_assessment(0.2))
    assert deliver_due(engine, only(sender_for(slack)), clock + 2 * WEEK) == 2
    slack.has_charts = False
    live_through(engine, clock + 2 * WEEK, make_assessment(0.4))
    deliver_due(engine, only(sender_for(slack)), clock + 3 * WEEK)
    (parent,) = slack.parents
    sent = [arguments["blocks"] for method, arguments in slack.calls if method != "auth.test"]
    types = [{block["type"] for block in blocks} for blocks in (sent[1], sent[-1])]
    assert ["data_visualization" in kinds for kinds in types] == [True, False]
    assert "▁▅█" in render_text(slack.replies(parent)[-1].blocks)


def test_a_refusal_in_every_form_is_counted(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    live_through(engine, clock, make_assessment(0.2))
    before = MESSAGES_FAILED.labels("refused")._value.get()
    refusal = Reply(body={"ok": False, "error": "msg_too_long"})
    slack.scripted_replies = [refusal, refusal]
    assert (
        deliver_due(engine, only(sender_for(slack)), clock + WEEK) == 1
    )  # the details, on their own
    assert MESSAGES_FAILED.labels("refused")._value.get() == before + 1
    live_through(engine, clock + WEEK, make_assessment(0.2))
    # The next change of the incident is its parent from now on.
    assert deliver_due(engine, only(sender_for(slack)), clock + 2 * WEEK) == 1
    assert thread_ts(engine) == slack.parents[-1].ts


def test_leased_message_is_not_sent_twice(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    live_through(any_engine, clock, make_assessment(0.2))
    now = clock + WEEK
    with transaction(any_engine) as connection:
        for message in routing.unrouted_messages(connection, ()):
            routing.assign_channels(connection, message, ["slack"])
        lease = delivery.lease_due_message(
            connection, now, now + LEASE, not_after=now + DAY, channel="slack", target=CHANNEL
        )
        assert lease is not None
    assert deliver_due(any_engine, only(sender_for(slack)), now) == 0
    assert deliver_due(any_engine, only(sender_for(slack)), now + LEASE) == 2


def test_undelivered_messages_expire_after_a_week(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    live_through(engine, clock, make_assessment(0.2))
    late = clock + WEEK + EXPIRES_AFTER + timedelta(seconds=1)
    assert deliver_due(engine, only(sender_for(slack)), late) == 0
    assert slack.calls == []
    with transaction(engine) as connection:
        errors = connection.execute(select(OutboxMessage.error)).scalars().all()
    assert all("expired" in error for error in errors)


def test_without_channel_or_token_messages_stay_stored(engine: Engine, clock: datetime) -> None:
    without_channel = default_configuration()
    without_token = default_configuration(alerts={"channel": CHANNEL})
    live_through(engine, clock, make_assessment(0.2))
    for settings in (without_channel, without_token):
        channels = open_channels(Secrets(slack_bot_token=SecretStr("")), settings)
        assert channels.senders == {}
        assert deliver_due(engine, channels, clock + WEEK) == 0
        with transaction(engine) as connection:
            assert channel_state.pending_messages(connection).n == 2


def test_a_parent_deleted_in_slack_is_posted_again(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    sender = sender_for(slack)
    live_through(engine, clock, make_assessment(0.2))
    deliver_due(engine, only(sender), clock + WEEK)
    slack.messages.clear()
    live_through(engine, clock + WEEK, make_assessment(0.2))
    assert deliver_due(engine, only(sender), clock + 2 * WEEK) == 1
    (parent,) = slack.parents
    assert thread_ts(engine) == parent.ts
    live_through(engine, clock + 2 * WEEK, make_assessment(0.2))
    deliver_due(engine, only(sender), clock + 3 * WEEK)
    assert parent.n_updates == 1


def test_check_proves_that_the_channel_takes_messages(slack: FakeSlack) -> None:  # noqa: F811
    assert sender_for(slack).check() == f"Test as driftwarden, channel {CHANNEL}"
    assert (slack.messages, slack.scheduled) == ({}, set())
    slack.scopes = frozenset({"chat:write"})
    assert "channels:history" in sender_for(slack).check()
    for token, channel, remedy in (
        ("xoxb-wrong", CHANNEL, "SLACK_BOT_TOKEN"),
        (TOKEN, "C0WRONG", "invite the bot"),
        (TOKEN, CHANNEL_NAME, f"set its id: channel = '{CHANNEL}'"),
    ):
        with pytest.raises(ChannelMisconfiguredError, match=remedy):
            sender_for(slack, token, channel).check()
    slack.is_member = False
    with pytest.raises(ChannelMisconfiguredError, match="invite the bot"):
        sender_for(slack).check()
    assert (slack.messages, slack.scheduled) == ({}, set())
