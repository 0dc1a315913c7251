"""PagerDuty, Alertmanager and Apprise: what an incident is there as it moves."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from monitor.alerts.causes import CAUSES
from monitor.alerts.channels import Channels
from monitor.alerts.channels.alertmanager import AlertmanagerSender
from monitor.alerts.channels.apprise import AppriseSender
from monitor.alerts.channels.pagerduty import PagerDutySender
from monitor.alerts.channels.sender import Sender
from monitor.alerts.incidents import acknowledge, report, resolve, snooze, wake_due
from monitor.alerts.outbox import MAX_DEFECTS, deliver_due, repeat_due
from monitor.alerts.routes import Routes
from monitor.errors import ChannelMisconfiguredError, ChannelUnavailableError
from monitor.settings import AlertRoute, Alerts, ChannelSettings
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over
from monitor.store.tables import Incident
from tests.integration.alerts.outbox_messages import (
    add_incident,
    add_messages,
    change_incident,
    outbox_rows,
)
from tests.services.slack import FakeSlack, slack  # noqa: F401 - a fixture
from tests.services.webhooks import Webhooks, webhooks  # noqa: F401 - a fixture
from tests.support.alerts.senders import MemorySender, slack_sender
from tests.support.present import utc_now

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
PAGE = "https://drift.example"


def pagerduty(server: Webhooks) -> PagerDutySender:
    return PagerDutySender("pager", "routing-key", PAGE, server.url)


def alertmanager(server: Webhooks) -> AlertmanagerSender:
    return AlertmanagerSender(server.url, "token", PAGE)


def apprise(server: Webhooks) -> AppriseSender:
    return AppriseSender("mail", server.url.replace("http://", "json://") + "/hook-secret", PAGE)


def only_to(sender: Sender, name: str) -> Channels:
    settings = ChannelSettings(kind="slack", channel=name)
    return Channels(Routes({name: settings}, ()), {name: sender})


def live_through(engine: Engine, channels: Channels, clock: datetime) -> int:
    """Open an incident, acknowledge it, and resolve it; return its id."""
    incident = add_incident(engine, clock)
    deliver_due(engine, channels, clock)
    for hours, status in ((1, "acknowledged"), (2, "resolved")):
        with transaction(engine) as connection:
            connection.execute(update(Incident).values(status=status))
        now = clock + hours * HOUR
        change_incident(engine, incident, "update", now)
        change_incident(engine, incident, "reply", now, is_broadcast=status == "resolved")
        deliver_due(engine, channels, now)
    return incident


def test_pagerduty_triggers_acknowledges_and_resolves_by_one_key(
    any_engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
) -> None:
    add_messages(any_engine, 1, clock)  # no incident: withheld
    incident = live_through(any_engine, only_to(pagerduty(webhooks), "pager"), clock)
    assert {path for path, _ in webhooks.accepted} == {"/v2/enqueue"}
    events = [body for _, body in webhooks.accepted]
    assert [event["event_action"] for event in events] == [
        "trigger",
        "acknowledge",
        "resolve",
    ]
    assert len({event["dedup_key"] for event in events}) == 1
    assert {event["routing_key"] for event in events} == {"routing-key"}
    assert {event["payload"]["severity"] for event in events} == {"critical"}
    assert events[0]["client_url"] == f"{PAGE}/incidents/{incident}"
    assert {row.failed_at is None for row in outbox_rows(any_engine) if row.kind == "post"} == {
        True,
        False,
    }


def test_alertmanager_fires_one_alert_until_it_is_resolved(
    engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
) -> None:
    incident = live_through(engine, only_to(alertmanager(webhooks), "am"), clock)
    alerts = [alert for _, (alert,) in webhooks.accepted]
    assert {tuple(alert["labels"].items()) for alert in alerts} == {
        (
            ("alertname", "driftwarden_drift"),
            ("model", "assistant"),
            ("cause", "drift"),
            ("severity", "critical"),
            ("incident", str(incident)),
        )
    }
    assert {alert["startsAt"] for alert in alerts} == {clock.isoformat()}
    lasts = [datetime.fromisoformat(alert["endsAt"]) - utc_now() for alert in alerts]
    assert [left > timedelta(days=300) for left in lasts] == [True, True, False]
    assert lasts[-1] <= timedelta()
    assert set(webhooks.tokens) == {"Bearer token"}


@pytest.mark.parametrize("make", [pagerduty, alertmanager])
def test_the_end_of_a_snooze_triggers_anew(
    engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
    make: Callable[[Webhooks], Sender],
) -> None:
    channels = only_to(make(webhooks), "second")
    incident = add_incident(engine, clock)
    deliver_due(engine, channels, clock)
    until = clock + 2 * HOUR
    with transaction(engine) as connection:
        acknowledge(connection, incident, "Ann", clock + MINUTE, alerts=Alerts())
        snooze(connection, incident, "Ann", until, clock + HOUR, alerts=Alerts())
    deliver_due(engine, channels, clock + HOUR)
    repeat_due(engine, channels, clock + HOUR)
    with transaction(engine) as connection:
        wake_due(connection, until, lambda _: Alerts())
    deliver_due(engine, channels, until)
    bodies = [body for _, body in webhooks.accepted]
    fires = (
        [event["event_action"] == "trigger" for event in bodies]
        if make is pagerduty
        else [alert["endsAt"] > utc_now().isoformat() for (alert,) in bodies]
    )
    assert fires[0]
    assert fires[-1]
    assert not fires[-2]


def test_alertmanager_forgets_the_former_name_of_a_model(
    engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
) -> None:
    channels = only_to(alertmanager(webhooks), "am")
    incident = add_incident(engine, clock)
    deliver_due(engine, channels, clock)
    webhooks.accepted.clear()
    with transaction(engine) as connection:
        carry_over(connection, "assistant", "renamed", clock + HOUR)
    with transaction(engine) as connection:
        acknowledge(connection, incident, "Ann", clock + HOUR, alerts=Alerts())
    deliver_due(engine, channels, clock + HOUR)
    now = utc_now().isoformat()
    alerts = [alert for _, (alert,) in webhooks.accepted]
    fires = [(alert["labels"]["model"], alert["endsAt"] > now) for alert in alerts]
    assert fires == [("assistant", False), ("renamed", True)]


@pytest.mark.parametrize("retry_after", [1e6, 1e300, float("inf")])
def test_a_channel_delays_its_own_messages_by_an_hour(
    engine: Engine, clock: datetime, retry_after: float
) -> None:
    patient, other = MemorySender("patient"), MemorySender("other")
    patient.errors = [ChannelUnavailableError("later", retry_after)]
    settings = ChannelSettings(kind="slack", channel="C0DRIFT")
    routes = Routes({"patient": settings, "other": settings}, ())
    channels = Channels(routes, {"patient": patient, "other": other})
    add_messages(engine, 1, clock)
    assert deliver_due(engine, channels, clock) == 1
    assert len(other.sent) == 1
    assert deliver_due(engine, channels, clock + HOUR) == 1


def test_apprise_gets_what_is_new_once(
    engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
) -> None:
    live_through(engine, only_to(apprise(webhooks), "mail"), clock)
    titles = [body["title"] for _, body in webhooks.accepted]
    assert len(titles) == 2
    assert "Drift: assistant" in titles[0]
    assert titles[1] == "assistant: incident, reply"


def test_each_mail_of_an_incident_links_it_once(
    engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
) -> None:
    alerts = Alerts(public_url=PAGE)
    with transaction(engine) as connection:
        for cause in ("no_traffic", "training_failed"):
            report(connection, cause, "assistant", clock, text="x", alerts=alerts)
    deliver_due(engine, only_to(apprise(webhooks), "mail"), clock)
    with transaction(engine) as connection:
        for incident in (1, 2):
            resolve(connection, incident, "lee", "known", clock + HOUR, alerts=alerts)
    deliver_due(engine, only_to(apprise(webhooks), "mail"), clock + HOUR)
    mails = [(body["title"], body["message"]) for _, body in webhooks.accepted]
    assert sum("lee" in title for title, _ in mails) == 2  # the replies
    assert len(mails) == 4
    links = [re.findall(rf"\({PAGE}/incidents/(\d+)\)", text) for _, text in mails]
    assert sorted(links) == [["1"], ["1"], ["2"], ["2"]]


@pytest.mark.parametrize(
    ("make", "summary_of"),
    [
        (pagerduty, lambda body: body["payload"]["summary"]),
        (alertmanager, lambda body: body[0]["annotations"]["summary"]),
        (apprise, lambda body: body["title"]),
    ],
)
def test_each_channel_begins_with_the_same_text(
    engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
    make: Callable[[Webhooks], Sender],
    summary_of: Callable[[Any], str],
) -> None:
    with transaction(engine) as connection:
        report(connection, "no_traffic", "desk", clock, text="No record.", alerts=Alerts())
    deliver_due(engine, only_to(make(webhooks), "second"), clock)
    ((_, body),) = webhooks.accepted
    users = CAUSES["no_traffic"].users
    beginning = f"🔴 ERROR No traffic: desk. {users} No record. Noticed 2 Nov 2026, 00:00 UTC."
    assert summary_of(body).startswith(beginning)
    if make is apprise:
        assert body["message"].startswith(users)


@pytest.mark.parametrize("make", [pagerduty, alertmanager, apprise])
def test_an_incident_goes_to_each_channel_of_its_route(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
    webhooks: Webhooks,  # noqa: F811
    make: Callable[[Webhooks], Sender],
) -> None:
    settings = ChannelSettings(kind="slack", channel="C0DRIFT")
    rule = AlertRoute(causes=("drift",), channels=("slack", "second"))
    routes = Routes({"slack": settings, "second": settings}, (rule,))
    channels = Channels(routes, {"slack": slack_sender(slack), "second": make(webhooks)})
    webhooks.statuses = [503]
    add_incident(engine, clock)
    deliver_due(engine, channels, clock)
    assert len(slack.messages) == 2  # the second channel delays the first by nothing
    assert webhooks.accepted == []
    deliver_due(engine, channels, clock + HOUR)
    assert len(slack.messages) == 2
    assert webhooks.accepted


@pytest.mark.parametrize("make", [pagerduty, alertmanager, apprise])
def test_a_channel_is_proven_by_a_withdrawn_message(
    webhooks: Webhooks,  # noqa: F811
    make: Callable[[Webhooks], Sender],
) -> None:
    sender = make(webhooks)
    assert sender.check()
    assert webhooks.accepted == []
    assert sender.probe()
    bodies = [body for _, body in webhooks.accepted]
    if make is pagerduty:
        assert [body["event_action"] for body in bodies] == ["trigger", "resolve"]
        assert len({body["dedup_key"] for body in bodies}) == 1
    elif make is alertmanager:
        assert [len(body) for body in bodies] == [1, 1]
        assert bodies[1][0]["endsAt"] < bodies[0][0]["endsAt"]
    else:
        assert len(bodies) == 1


def test_slack_is_proven_by_a_message_that_is_deleted(slack: FakeSlack) -> None:  # noqa: F811
    assert slack_sender(slack).probe()
    assert slack.messages == {}
    assert [method for method, _ in slack.calls] == ["chat.postMessage", "chat.delete"]


@pytest.mark.parametrize("status", [403, 429, 500])
def test_errors_name_no_secret(
    webhooks: Webhooks,  # noqa: F811
    status: int,
) -> None:
    errors = (ChannelUnavailableError, ChannelMisconfiguredError)
    for make in (pagerduty, alertmanager, apprise):
        webhooks.statuses = [status]
        with pytest.raises(errors) as caught:
            make(webhooks).probe()
        assert "hook-secret" not in str(caught.value)
        assert "routing-key" not in str(caught.value)


def test_an_address_that_is_none_of_apprise_is_named() -> None:
    with pytest.raises(ChannelMisconfiguredError, match="'mail'"):
        AppriseSender("mail", "nonsense", PAGE).check()


def test_alertmanager_gets_unresolved_alerts_again(
    engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
) -> None:
    channels = only_to(alertmanager(webhooks), "am")
    incident = add_incident(engine, clock)
    deliver_due(engine, channels, clock)
    n_sent = len(webhooks.accepted)
    moments = [clock + minutes * MINUTE for minutes in (0, 4, 5, 9, 10)]
    assert [repeat_due(engine, channels, now) for now in moments] == [0, 0, 1, 0, 1]
    assert webhooks.accepted[-1][1][0]["labels"]["incident"] == str(incident)
    webhooks.statuses = [503]
    assert repeat_due(engine, channels, clock + 15 * MINUTE) == 0
    with transaction(engine) as connection:
        connection.execute(update(Incident).values(status="resolved", resolved_at=clock))
    assert repeat_due(engine, channels, clock + 20 * MINUTE) == 0
    assert len(webhooks.accepted) == n_sent + 2


def test_messages_routed_without_a_secret_are_withheld_later(
    engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
) -> None:
    sender = pagerduty(webhooks)
    channels = only_to(sender, "pager")
    add_messages(engine, 1, clock)
    assert deliver_due(engine, Channels(channels.routes), clock) == 0
    add_incident(engine, clock)
    assert deliver_due(engine, channels, clock) == 1
    (notice, *_) = outbox_rows(engine)
    assert (notice.sent_at, notice.attempts) == (None, 0)
    assert notice.failed_at is not None


def test_a_message_that_always_fails_is_given_up(engine: Engine, clock: datetime) -> None:
    broken = MemorySender()
    broken.errors = [KeyError("payload")] * MAX_DEFECTS
    add_messages(engine, 2, clock)
    channels = only_to(broken, "first")
    sent = [deliver_due(engine, channels, clock + n * HOUR) for n in range(MAX_DEFECTS)]
    assert sent == [0, 0, 0, 0, 1]
    assert [row.sent_at is None for row in outbox_rows(engine)] == [True, False]


def test_a_defect_in_one_channel_leaves_the_others_alone(
    engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
) -> None:
    broken = MemorySender()
    broken.errors = [KeyError("payload")]
    settings = ChannelSettings(kind="slack", channel="C0DRIFT")
    routes = Routes({"first": settings, "pager": settings}, ())
    channels = Channels(routes, {"first": broken, "pager": pagerduty(webhooks)})
    add_incident(engine, clock)
    deliver_due(engine, channels, clock)
    assert len(webhooks.accepted) == 1
    assert broken.sent == []
    deliver_due(engine, channels, clock + HOUR)
    assert len(broken.sent) == 2
