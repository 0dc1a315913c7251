"""Messages that waited: what changed meanwhile is told as it is now, in each channel by itself."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from monitor.alerts.channels import Channels, only
from monitor.alerts.channels.pagerduty import PagerDutySender
from monitor.alerts.fallback import PATIENCE, deliver
from monitor.alerts.incidents import clear, snooze, wake_due
from monitor.alerts.messages.decision import announce_decisions
from monitor.alerts.messages.gate_result import announce_gate_results
from monitor.alerts.outbox import deliver_due
from monitor.alerts.routes import Routes
from monitor.alerts.sending.preparation import NOT_SO_NOW
from monitor.errors import ChannelUnavailableError
from monitor.rendering.mrkdwn import render_text
from monitor.rendering.numbers import format_instant
from monitor.review.decision.decisions import decide
from monitor.settings import Alerts, ChannelSettings, Review
from monitor.store.engine import transaction
from monitor.store.tables import CandidateEvaluation, Decision
from tests.integration.alerts.outbox_messages import outbox_rows
from tests.integration.alerts.test_partial_delivery import Mail, end, hold, with_mail
from tests.services.slack import FakeSlack, slack  # noqa: F401 - a fixture
from tests.services.webhooks import Webhooks, webhooks  # noqa: F401 - a fixture
from tests.support.alerts.senders import MemorySender, slack_sender
from tests.support.retrain.candidates import MODEL, evaluated, make_candidate
from tests.support.review.review_world import make_world
from tests.support.review.settled_items import JUDGEMENT, settle

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALERTS = Alerts()
DOWN = ChannelUnavailableError("down")


@pytest.mark.parametrize("ends_in_the_snooze", [False, True])
def test_a_snoozed_incident_is_posted_when_the_snooze_ends(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
    ends_in_the_snooze: bool,
) -> None:
    """It was snoozed on the page while Slack was away: nobody is notified until then."""
    channels = only(slack_sender(slack))
    slack.is_member = False
    incident = hold(any_engine, clock)
    deliver_due(any_engine, channels, clock)
    with transaction(any_engine) as connection:
        snooze(connection, incident, "Ann", clock + HOUR, clock + MINUTE, alerts=ALERTS)
    slack.is_member = True
    hold(any_engine, clock + 5 * MINUTE, "more")
    deliver_due(any_engine, channels, clock + 10 * MINUTE)
    assert slack.messages == {}
    if ends_in_the_snooze:
        end(any_engine, clock + 20 * MINUTE)
    else:
        with transaction(any_engine) as connection:
            wake_due(connection, clock + HOUR, lambda _: ALERTS)
    deliver_due(any_engine, channels, clock + 2 * HOUR)
    (parent,) = slack.parents
    text = render_text(parent.blocks)
    assert ("resolved" in text) == ends_in_the_snooze
    assert "Snoozed" not in text


def test_a_late_post_names_its_time(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    """Nobody was told at the time."""
    slack.is_member = False
    channels = only(slack_sender(slack))
    hold(engine, clock)
    deliver_due(engine, channels, clock)
    end(engine, clock + 40 * MINUTE)
    slack.is_member = True
    deliver_due(engine, channels, clock + 4 * HOUR)
    (parent,) = slack.parents
    assert f"Written {format_instant(clock)}, delivered late." in render_text(parent.blocks)


def test_an_incident_that_came_again_meanwhile_is_open(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    slack.is_member = False
    channels = only(slack_sender(slack))
    hold(engine, clock)
    deliver_due(engine, channels, clock)
    end(engine, clock + 50 * MINUTE)
    again = clock + 3 * HOUR
    hold(engine, again)
    slack.is_member = True
    deliver_due(engine, channels, clock + 4 * HOUR)
    (message,) = slack.messages.values()
    text = render_text(message.blocks)
    assert text.startswith("🔴")
    assert "again" in text
    assert f"resolved {format_instant(clock + 110 * MINUTE)}" in text


def test_a_late_reply_says_that_its_condition_ended(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    channels = only(slack_sender(slack))
    hold(engine, clock)
    deliver_due(engine, channels, clock)
    end(engine, clock + 50 * MINUTE)
    deliver_due(engine, channels, clock + 3 * HOUR)
    slack.is_member = False
    hold(engine, clock + 4 * HOUR)
    deliver_due(engine, channels, clock + 4 * HOUR)
    with transaction(engine) as connection:  # for the first time: it is not resolved yet
        clear(connection, "no_traffic", "assistant", clock + 5 * HOUR, alerts=Alerts())
    slack.is_member = True
    deliver_due(engine, channels, clock + 6 * HOUR)
    newest = list(slack.messages.values())[-1]
    assert f"has not held since {format_instant(clock + 5 * HOUR)}" in render_text(newest.blocks)


@pytest.mark.parametrize("pager_is_away", [False, True])
def test_the_pager_is_resolved_by_what_it_has_had(
    engine: Engine,
    clock: datetime,
    webhooks: Webhooks,  # noqa: F811
    pager_is_away: bool,
) -> None:
    """Slack is away all the time; a pager that was away has nothing to ring for."""
    channel = ChannelSettings(kind="slack", channel="C0DRIFT")
    chat = MemorySender("chat")
    pager = PagerDutySender("pager", "key", "https://drift.example", webhooks.url)
    channels = Channels(
        Routes({"chat": channel, "pager": channel}, ()), {"chat": chat, "pager": pager}
    )
    chat.errors = [DOWN] * 2
    webhooks.statuses = [503] * pager_is_away
    hold(engine, clock)
    deliver_due(engine, channels, clock)
    end(engine, clock + MINUTE)
    deliver_due(engine, channels, clock + 65 * MINUTE)
    deliver_due(engine, channels, clock + 75 * MINUTE)
    actions = [body["event_action"] for _, body in webhooks.accepted]
    assert actions == ["trigger"] * (not pager_is_away) + ["resolve"]
    ((kind, text),) = chat.sent
    assert kind == "post"
    assert "resolved" in text


def test_the_fallback_that_told_a_beginning_tells_the_end(engine: Engine, clock: datetime) -> None:
    main, mail = MemorySender("main"), Mail("mail")
    channels = with_mail(main, mail)
    main.errors = [DOWN] * 8
    hold(engine, clock)
    deliver(engine, channels, clock, alerts=ALERTS)
    deliver(engine, channels, clock + PATIENCE, alerts=ALERTS)
    assert [text[0] for _, text in mail.sent if "assistant" in text] == ["🔴"]
    main.errors = []
    end(engine, clock + 20 * MINUTE)
    deliver(engine, channels, clock + 81 * MINUTE, alerts=ALERTS)
    assert [text[0] for _, text in mail.sent if "assistant" in text] == ["🔴", "🟢"]
    assert [text[0] for _, text in main.sent if "assistant" in text] == ["🟢"]


def test_an_outdated_decision_notice_is_withdrawn(engine: Engine, clock: datetime) -> None:
    """The notice of the first waited for Slack."""
    world = make_world(engine, clock)
    with transaction(engine) as connection:
        settle(
            connection,
            world.batch_id,
            (world.users["Ada"], world.users["Ben"]),
            lambda *_: JUDGEMENT,
            clock,
        )
        decide(connection, world.batch_id, Review(min_drifted_gold=3), clock)
        announce_decisions(connection, "assistant", clock, ALERTS)
        (first,) = connection.execute(select(Decision.recommendation)).scalars()
        connection.execute(update(Decision).values(recommendation="keep"))
        announce_decisions(connection, "assistant", clock, ALERTS)
    assert first != "keep"
    assert deliver_due(engine, only(MemorySender()), clock) == 1
    old, new = outbox_rows(engine)
    assert (old.error, old.sent_at) == (NOT_SO_NOW, None)
    assert new.dedupe_key.split(":")[2] == "keep"


def test_an_outdated_gate_result_is_withdrawn(
    engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    """The notice that ratings are awaited waited for Slack."""
    version, _ = make_candidate(engine, tmp_path, clock)
    with transaction(engine) as connection:
        evaluated(connection, version, clock)
        done = connection.execute(
            select(
                CandidateEvaluation.status,
                CandidateEvaluation.gate_result,
                CandidateEvaluation.finished_at,
            )
        ).one()
        waiting = {"status": "awaiting_ratings", "gate_result": None, "finished_at": None}
        for values in (waiting, done._asdict()):
            connection.execute(update(CandidateEvaluation).values(values))
            assert announce_gate_results(connection, MODEL, clock, ALERTS) == 1
    assert deliver_due(engine, only(MemorySender()), clock) == 1
    old, new = outbox_rows(engine)
    assert (old.error, old.sent_at) == (NOT_SO_NOW, None)
    assert new.sent_at == clock
