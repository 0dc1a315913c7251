"""Messages at the time of sending: an incident in its present state, and withdrawn notices."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from monitor.alerts.channels import Channels, only
from monitor.alerts.channels.alertmanager import AlertmanagerSender
from monitor.alerts.fallback import PATIENCE, deliver
from monitor.alerts.incidents import acknowledge, clear, note, report, snooze
from monitor.alerts.messages.removed_models import announce_removed_models
from monitor.alerts.outbox import LEASE, deliver_due, repeat_due
from monitor.alerts.routes import Routes
from monitor.alerts.sending import preparation
from monitor.alerts.sending.preparation import OVERTAKEN
from monitor.errors import ChannelUnavailableError
from monitor.rendering.mrkdwn import render_text
from monitor.rendering.numbers import format_instant
from monitor.settings import Alerts, ChannelSettings, Configuration
from monitor.store.alerts import delivery
from monitor.store.alerts.incident_events import count_events
from monitor.store.alerts.outbox import add_message
from monitor.store.engine import transaction
from monitor.store.tables import Incident, OutboxMessage
from monitor.store.windows.pauses import begin_pause, end_pauses
from tests.integration.alerts.outbox_messages import add_messages, outbox_rows
from tests.services.slack import CHANNEL, FakeSlack, slack  # noqa: F401 - a fixture
from tests.services.webhooks import Webhooks, webhooks  # noqa: F401 - a fixture
from tests.support.alerts.senders import MemorySender, slack_sender

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALERTS = Alerts()
CAUSE, MODEL = "no_traffic", "assistant"


def hold(engine: Engine, now: datetime, *keys: str, text: str = "No record for 2 hours.") -> int:
    with transaction(engine) as connection:
        return report(connection, CAUSE, MODEL, now, text=text, keys=keys, alerts=ALERTS)


def end(engine: Engine, now: datetime, *, held_until: datetime | None = None) -> None:
    """Resolve the incident of the condition, which has not held for long enough."""
    held_until = held_until or now - timedelta(days=1)
    with transaction(engine) as connection:
        connection.execute(update(Incident).values(clear_since=held_until))
        assert clear(connection, CAUSE, MODEL, now, alerts=ALERTS) is not None


def reasons(engine: Engine) -> list[str | None]:
    return [row.error for row in outbox_rows(engine)]


def texts(server: FakeSlack) -> list[str]:
    return [render_text(message.blocks) for message in server.messages.values()]


def test_an_outage_that_ended_is_one_message(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    """It began, got worse and ended while Slack was away: none of that is told as present."""
    channels = only(slack_sender(slack))
    slack.is_member = False
    began, ended = clock, clock + 25 * MINUTE
    hold(any_engine, began)
    deliver_due(any_engine, channels, began)
    incident = hold(any_engine, clock + 5 * MINUTE, "a")
    with transaction(any_engine) as connection:
        note(connection, incident, "Ann", "looking", clock + 6 * MINUTE)
    end(any_engine, ended + 60 * MINUTE, held_until=ended)
    slack.is_member = True
    assert deliver_due(any_engine, channels, ended + 61 * MINUTE) == 1
    (text,) = texts(slack)
    assert "resolved" in text
    assert format_instant(began) in text
    assert format_instant(ended) in text
    assert set(reasons(any_engine)) == {None, OVERTAKEN}
    assert {row.attempts for row in outbox_rows(any_engine)[1:]} == {0}  # no failure


def test_pending_changes_become_one_update_and_the_last_reply(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    channels = only(slack_sender(slack))
    hold(any_engine, clock)
    deliver_due(any_engine, channels, clock)
    for number in range(1, 4):
        hold(any_engine, clock + number * MINUTE, str(number), text=f"{number} hours.")
    end(any_engine, clock + 10 * MINUTE)
    assert deliver_due(any_engine, channels, clock + 11 * MINUTE) == 2
    (parent,) = slack.parents
    (reply,) = slack.replies(parent)
    assert parent.n_updates == 1
    assert "resolved" in render_text(parent.blocks)
    assert reply.text.startswith("🟢")
    assert reasons(any_engine).count(OVERTAKEN) == 6


@pytest.mark.parametrize("change", ["snoozed", "resolved while snoozed", "closed"])
def test_a_reply_that_is_not_so_any_more_is_folded(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
    change: str,
) -> None:
    """The change after it wrote no reply: the incident's message tells it."""
    channels = only(slack_sender(slack))
    incident = hold(engine, clock)
    deliver_due(engine, channels, clock)
    hold(engine, clock + MINUTE, "worse")
    with transaction(engine) as connection:
        if change == "closed":
            values = {"status": "closed", "resolved_at": clock + 2 * MINUTE}
            connection.execute(update(Incident).values(values))
        else:
            until, now = clock + HOUR, clock + 2 * MINUTE
            snooze(connection, incident, "Ann", until, now, alerts=ALERTS)
    if change == "resolved while snoozed":
        end(engine, clock + 3 * MINUTE)
    deliver_due(engine, channels, clock + 4 * MINUTE)
    (parent,) = slack.parents
    assert slack.replies(parent) == []
    assert parent.n_updates == 1


def test_a_reply_that_is_so_is_sent_with_its_time(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    channels = only(slack_sender(slack))
    incident = hold(engine, clock)
    deliver_due(engine, channels, clock)
    with transaction(engine) as connection:
        note(connection, incident, "Ann", "looked at the release", clock + MINUTE)
        acknowledge(connection, incident, "Bob", clock + 2 * MINUTE, alerts=ALERTS)
    hold(engine, clock + 3 * MINUTE, "worse", text="No record for 3 hours.")
    deliver_due(engine, channels, clock + HOUR)
    (parent,) = slack.parents
    late, newest = slack.replies(parent)
    assert format_instant(clock + MINUTE) in render_text(late.blocks)
    assert format_instant(clock + 3 * MINUTE) in render_text(newest.blocks)
    assert "3 hours" in newest.text


def test_a_reopened_incident_has_one_reply(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    channels = only(slack_sender(slack))
    hold(engine, clock)
    deliver_due(engine, channels, clock)
    end(engine, clock + HOUR)
    hold(engine, clock + 2 * HOUR, text="No record for 5 hours.")
    deliver_due(engine, channels, clock + 2 * HOUR)
    (parent,) = slack.parents
    (reply,) = slack.replies(parent)
    assert "5 hours" in reply.text
    assert "5 hours" in render_text(parent.blocks)


def test_a_leader_killed_after_the_post_loses_no_change(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    """The post is found as it was: what came after it is told, and nothing twice."""
    channels = only(slack_sender(slack))
    hold(engine, clock)
    slack.faults = ["response_lost"]  # as if it died before it wrote that it was sent
    deliver_due(engine, channels, clock)
    hold(engine, clock + MINUTE, "worse", text="No record for 3 hours.")
    deliver_due(engine, channels, clock + HOUR)
    (parent,) = slack.parents
    assert "3 hours" in render_text(parent.blocks)
    assert ["3 hours" in reply.text for reply in slack.replies(parent)] == [True]


def test_a_leader_killed_between_lease_and_post_loses_nothing(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    channels = only(slack_sender(slack))
    hold(any_engine, clock)
    with transaction(any_engine) as connection:
        connection.execute(update(OutboxMessage).values(channel="slack"))
        leased = delivery.lease_due_message(
            connection,
            clock,
            clock + LEASE,
            not_after=clock + HOUR,
            channel="slack",
            target=CHANNEL,
        )
        assert leased is not None
        preparation.prepare(connection, leased, channels.sections, clock)
    end(any_engine, clock + MINUTE)
    other = only(slack_sender(slack))
    assert deliver_due(any_engine, other, clock + MINUTE) == 0
    assert deliver_due(any_engine, other, clock + LEASE) == 1
    (text,) = texts(slack)
    assert "resolved" in text


def test_a_change_during_a_post_updates_it(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    """Another replica writes it after the message was made."""
    sender = slack_sender(slack)
    post = sender.send
    incident = hold(any_engine, clock)

    def post_slowly(*arguments: object) -> delivery.Thread:
        sender.send = post  # type: ignore[method-assign]
        with transaction(any_engine) as connection:
            acknowledge(connection, incident, "Ann", clock - MINUTE, alerts=ALERTS)
        return post(*arguments)  # type: ignore[arg-type]

    sender.send = post_slowly  # type: ignore[method-assign,assignment]
    assert [deliver_due(any_engine, only(sender), clock) for _ in range(3)] == [1, 1, 0]
    (parent,) = slack.parents
    assert "Acknowledged by Ann" in render_text(parent.blocks)


def test_a_channel_with_another_target_gets_the_present_state(
    engine: Engine,
    clock: datetime,
) -> None:
    """As after its id was changed in config.toml."""
    old, new = MemorySender("old"), MemorySender("new")
    hold(engine, clock)
    deliver_due(engine, only(old), clock)
    old.errors = [ChannelUnavailableError("down")]
    hold(engine, clock + MINUTE, "worse", text="No record for 3 hours.")
    deliver_due(engine, only(old), clock + MINUTE)
    end(engine, clock + 2 * MINUTE)
    assert deliver_due(engine, only(new), clock + HOUR) == 1
    ((kind, text),) = new.sent
    assert kind == "update"
    assert "resolved" in text


def test_a_renamed_channel_gets_what_waits_as_of_now(engine: Engine, clock: datetime) -> None:
    gone, renamed = MemorySender("gone"), MemorySender("renamed")
    gone.errors = [ChannelUnavailableError("down")]
    hold(engine, clock)
    deliver_due(engine, only(gone, "gone"), clock)
    end(engine, clock + MINUTE)
    deliver_due(engine, only(renamed, "renamed"), clock + HOUR)
    assert [kind for kind, _ in renamed.sent] == ["post"]
    assert "resolved" in renamed.sent[0][1]


@pytest.mark.parametrize("is_away", [False, True])
def test_the_fallback_tells_the_present_state_with_its_reason(
    engine: Engine, clock: datetime, is_away: bool
) -> None:
    main, fallback = MemorySender("main"), MemorySender("mail")
    channel = ChannelSettings(kind="slack", channel="C0DRIFT")
    routes = Routes({"slack": channel, "mail": channel}, (), "mail")
    channels = Channels(routes, {"slack": main, "mail": fallback})
    main.errors = [ChannelUnavailableError("down")] * 50
    hold(engine, clock)
    deliver(engine, channels, clock, alerts=ALERTS)
    hold(engine, clock + MINUTE, "worse")
    if not is_away:
        end(engine, clock + 10 * MINUTE)
    fallback.errors = [ChannelUnavailableError("down, too")] * is_away
    deliver(engine, channels, clock + PATIENCE, alerts=ALERTS)
    if is_away:
        end(engine, clock + PATIENCE + MINUTE)
        deliver(engine, channels, clock + PATIENCE + 2 * MINUTE, alerts=ALERTS)
    about_model = [text for _, text in fallback.sent if MODEL in text]
    assert all("resolved" in text.lower() for text in about_model)
    assert is_away or len(about_model) == 1
    assert "Sent here because slack has taken no message" in render_text(
        fallback.payloads[0]["blocks"]
    )
    assert {*fallback.payloads[0]} <= {"text", "blocks", "reply_broadcast"}


def test_a_copy_of_a_sent_message_is_withdrawn(engine: Engine, clock: datetime) -> None:
    main, fallback = MemorySender("main"), MemorySender("mail")
    channel = ChannelSettings(kind="slack", channel="C0DRIFT")
    routes = Routes({"slack": channel, "mail": channel}, (), "mail")
    channels = Channels(routes, {"slack": main, "mail": fallback})
    main.errors = [ChannelUnavailableError("down")] * 2
    fallback.errors = [ChannelUnavailableError("down, too")]
    add_messages(engine, 1, clock)
    deliver(engine, channels, clock, alerts=ALERTS)
    deliver(engine, channels, clock + PATIENCE, alerts=ALERTS)
    deliver(engine, channels, clock + HOUR, alerts=ALERTS)
    assert "message 0" in [text for _, text in main.sent]
    assert "message 0" not in [text for _, text in fallback.sent]


def test_alertmanager_is_reminded_of_the_present_state(
    engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
) -> None:
    """Also where retention has emptied the message that it was sent first."""
    channels = only(AlertmanagerSender(webhooks.url, "", "https://drift.example"), "am")
    hold(engine, clock)
    deliver_due(engine, channels, clock)
    repeat_due(engine, channels, clock)
    with transaction(engine) as connection:
        connection.execute(update(OutboxMessage).values(payload={"text": "(removed)"}))
        connection.execute(update(Incident).values(summary="No record for 9 hours."))
    assert repeat_due(engine, channels, clock + 5 * MINUTE) == 1
    (alert,) = webhooks.accepted[-1][1]
    assert "9 hours" in alert["annotations"]["description"]


def test_a_message_that_cannot_be_made_is_sent_as_written(
    engine: Engine,
    clock: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> Callable[..., object]:
        raise KeyError("a field of a newer release")

    sender = MemorySender()
    hold(engine, clock)
    monkeypatch.setattr(preparation, "present_message", fail)
    assert deliver_due(engine, only(sender), clock) == 1
    assert MODEL in sender.sent[0][1]


def test_the_sent_payload_is_stored(engine: Engine, clock: datetime) -> None:
    hold(engine, clock)
    with transaction(engine) as connection:
        connection.execute(update(Incident).values(summary="No record for 9 hours."))
    deliver_due(engine, only(MemorySender()), clock)
    assert "9 hours" in str(outbox_rows(engine)[0].payload)


@pytest.mark.parametrize(("back", "n_sent"), [(("bot4", "bot5"), 0), (("bot5",), 1), ((), 1)])
def test_a_removal_names_the_models_still_removed(
    engine: Engine, clock: datetime, back: tuple[str, ...], n_sent: int
) -> None:
    listed = Configuration(models={"stays": {}})
    with transaction(engine) as connection:
        pauses = [begin_pause(connection, model, clock) for model in ("bot4", "bot5")]
        announce_removed_models(connection, listed, pauses[0], clock)
        end_pauses(connection, back, clock + MINUTE)
    sender = MemorySender()
    assert deliver_due(engine, only(sender, settings=listed), clock + HOUR) == n_sent
    if n_sent:
        assert ("bot4 and bot5" in sender.sent[0][1]) == (not back)
        assert [row.failed_at for row in outbox_rows(engine)] == [None]


def test_a_removal_of_a_listed_model_is_withdrawn(any_engine: Engine, clock: datetime) -> None:
    """From a stale outbox, before the pause of the model has ended."""
    with transaction(any_engine) as connection:
        pause = begin_pause(connection, "bot5", clock)
        announce_removed_models(connection, Configuration(models={"stays": {}}), pause, clock)
    newer = Configuration(models={"stays": {}, "bot5": {}})
    assert deliver_due(any_engine, only(MemorySender(), settings=newer), clock + MINUTE) == 0
    (row,) = outbox_rows(any_engine)
    assert (row.error, row.attempts) == (preparation.NOT_SO_NOW, 0)


@pytest.mark.parametrize(
    "key", ["unlisted:2026-11-02", "age:7", "removed:9", "digest:2026-10-26", "verdict:x"]
)
def test_a_notice_that_is_not_so_is_withdrawn(engine: Engine, clock: datetime, key: str) -> None:
    """Nothing is unlisted, old or removed now; a digest is late; a key of another release stays."""
    payload = {"text": "as written", "blocks": []}
    with transaction(engine) as connection:
        add_message(connection, dedupe_key=key, model=MODEL, payload=payload, now=clock)
    now = clock + timedelta(days=4)
    sent = deliver_due(engine, only(MemorySender()), now)
    assert sent == (key == "verdict:x")


def test_events_of_a_late_incident_are_all_in_its_history(engine: Engine, clock: datetime) -> None:
    """The page has them."""
    incident = hold(engine, clock)
    hold(engine, clock + MINUTE, "worse")
    end(engine, clock + 2 * MINUTE)
    deliver_due(engine, only(MemorySender()), clock + HOUR)
    with transaction(engine) as connection:
        names = ("opened", "worsened", "resolved")
        assert [count_events(connection, incident, name, clock) for name in names] == [1, 1, 1]
