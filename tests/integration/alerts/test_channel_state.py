"""State of a channel from facts: it fails when it has taken nothing since a failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Engine, event, insert, update

from monitor.alerts.channels import only
from monitor.alerts.fallback import PATIENCE, deliver, describe_stuck
from monitor.alerts.outbox import MAX_LONG_DELAY, deliver_due
from monitor.daemon.leader_metrics import read_gauges
from monitor.errors import ChannelMisconfiguredError, ChannelUnavailableError
from monitor.settings import Alerts
from monitor.store.alerts.channel_state import failing_channel, stuck_messages
from monitor.store.alerts.delivery import DueMessage, Thread
from monitor.store.alerts.incidents import list_incidents
from monitor.store.engine import transaction
from monitor.store.tables import OutboxMessage
from tests.integration.alerts.outbox_messages import add_messages, outbox_rows
from tests.services.slack import FakeSlack, Reply, slack  # noqa: F401 - a fixture
from tests.support.alerts.senders import MemorySender, slack_sender

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALERTS = Alerts()
UNAVAILABLE = ChannelUnavailableError("down")


class Picky(MemorySender):
    """A channel that takes all messages but one."""

    def send(
        self, message: DueMessage, payload: dict[str, object], thread: Thread | None
    ) -> Thread:
        """Refuse the first message, and take the others."""
        if payload["text"] == "message 0":
            raise ChannelMisconfiguredError("refused")
        return super().send(message, payload, thread)


def failing_since(engine: Engine, now: datetime) -> datetime | None:
    with transaction(engine) as connection:
        failing = failing_channel(connection, "slack", now)
    return None if failing is None else failing.since


def causes(engine: Engine) -> list[tuple[str, str]]:
    with transaction(engine) as connection:
        return [(row.cause, row.status) for row in list_incidents(connection)]


def test_slack_mended_after_seventeen_minutes_fails_no_longer(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    """A dozen posts come after the mending; what was in back-off goes out with the first."""
    channels = only(slack_sender(slack))
    slack.is_member = False
    add_messages(any_engine, 3, clock)
    for minute in range(17):
        deliver(any_engine, channels, clock + minute * MINUTE, alerts=ALERTS)
    mended = clock + 17 * MINUTE
    assert failing_since(any_engine, mended) == clock
    assert causes(any_engine) == [("messages_undelivered", "open")]
    slack.is_member = True
    add_messages(any_engine, 12, mended, subject="digest")
    waiting = [row for row in outbox_rows(any_engine) if row.next_attempt_at > mended]
    assert waiting
    deliver(any_engine, channels, mended, alerts=ALERTS)
    assert all(row.sent_at for row in outbox_rows(any_engine))
    assert failing_since(any_engine, mended) is None
    gauges = read_gauges(any_engine, [], channels, mended)
    assert gauges["driftwarden_channel_failing_seconds"] == {("slack",): 0.0}
    assert gauges["driftwarden_outbox_oldest_message_age_seconds"] == {(): 0.0}
    assert gauges["driftwarden_outbox_pending_messages"] == {(): 0}


def test_messages_in_back_off_follow_the_first_delivery_in_order(
    any_engine: Engine, clock: datetime
) -> None:
    sender = MemorySender()
    sender.errors = [UNAVAILABLE] * 12
    add_messages(any_engine, 4, clock)
    for minute in range(12):
        deliver_due(any_engine, only(sender), clock + minute * MINUTE)
    add_messages(any_engine, 1, clock + HOUR, subject="digest")
    with transaction(any_engine) as connection:  # as after hours of refusals
        connection.execute(
            update(OutboxMessage)
            .where(OutboxMessage.error.is_not(None))
            .values(next_attempt_at=clock + 2 * HOUR)
        )
    assert [row.error is None for row in outbox_rows(any_engine)] == [False] * 3 + [True] * 2
    assert deliver_due(any_engine, only(sender), clock + HOUR) == 5
    texts = [text for _, text in sender.sent]
    assert texts == [f"message {number}" for number in (3, 0, 1, 2, 0)]


def test_a_message_under_way_is_not_made_due(any_engine: Engine, clock: datetime) -> None:
    """Another process may be sending it."""
    sender = MemorySender()
    sender.errors = [UNAVAILABLE]
    add_messages(any_engine, 2, clock)
    deliver_due(any_engine, only(sender), clock)
    under_way = OutboxMessage.id == 1
    with transaction(any_engine) as connection:
        values = {"error": None, "next_attempt_at": clock + 2 * MINUTE}
        connection.execute(update(OutboxMessage).where(under_way).values(values))
    assert deliver_due(any_engine, only(sender), clock + MINUTE) == 1
    assert [row.sent_at is None for row in outbox_rows(any_engine)] == [True, False]


def test_a_message_that_alone_fails_is_no_failing_channel(
    any_engine: Engine, clock: datetime
) -> None:
    channels = only(Picky())
    add_messages(any_engine, 1, clock)
    for minute in range(20):
        add_messages(any_engine, 2, clock + minute * MINUTE, subject=f"digest {minute}")
        now = clock + minute * MINUTE
        with transaction(any_engine) as connection:  # those of each minute but the first pass
            connection.execute(
                update(OutboxMessage)
                .where(OutboxMessage.subject != "notice", OutboxMessage.sent_at.is_(None))
                .values(payload={"text": "passes", "blocks": []})
            )
        deliver(any_engine, channels, now, alerts=ALERTS)
    later = clock + 20 * MINUTE
    deliver(any_engine, channels, later, alerts=ALERTS)
    assert failing_since(any_engine, later) is None
    with transaction(any_engine) as connection:
        stuck = stuck_messages(connection, "slack", later)
        (incident,) = list_incidents(connection)
    assert stuck is not None
    assert (stuck.n, stuck.since, stuck.error) == (1, clock, "refused")
    assert stuck.attempts > 2
    assert describe_stuck(stuck) in incident.summary
    assert "taken no message" not in incident.summary
    gauges = read_gauges(any_engine, [], channels, later)
    assert gauges["driftwarden_channel_failing_seconds"] == {("slack",): 0.0}


def test_a_channel_that_fails_again_fails_since_then(any_engine: Engine, clock: datetime) -> None:
    sender = MemorySender()
    channels = only(sender)
    for hours, errors in ((0, [UNAVAILABLE]), (1, []), (2, [UNAVAILABLE])):
        sender.errors = list(errors)
        add_messages(any_engine, 1, clock + hours * HOUR, subject=f"digest {hours}")
        deliver_due(any_engine, channels, clock + hours * HOUR)
    assert failing_since(any_engine, clock + 2 * HOUR + PATIENCE) == clock + 2 * HOUR


def test_a_delivery_of_next_year_hides_no_failure(any_engine: Engine, clock: datetime) -> None:
    sender = MemorySender()
    next_year = clock + timedelta(days=365)
    add_messages(any_engine, 1, next_year)
    assert deliver_due(any_engine, only(sender), next_year) == 1
    sender.errors = [UNAVAILABLE]
    add_messages(any_engine, 1, clock, subject="digest")
    deliver_due(any_engine, only(sender), clock)
    assert failing_since(any_engine, clock + PATIENCE) == clock


def test_a_blindly_repeated_message_waits_up_to_an_hour(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    """Each attempt of it may be a further post; what can be looked up waits for five minutes."""
    add_messages(engine, 1, clock)
    failed = Reply(status=500)
    missing = Reply(body={"ok": False, "error": "missing_scope"})
    slack.scripted_replies = [failed]
    deliver_due(engine, only(slack_sender(slack)), clock)
    longest = []
    for replies in ([missing, failed], [failed]):
        waits = []
        for _ in range(12):
            now = outbox_rows(engine)[0].next_attempt_at
            slack.scripted_replies = list(replies)
            deliver_due(engine, only(slack_sender(slack)), now)
            waits.append(outbox_rows(engine)[0].next_attempt_at - now)
        longest.append(max(waits))
    assert longest == [MAX_LONG_DELAY, timedelta(minutes=5)]


@contextmanager
def statements_of(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements of a block."""
    statements: list[str] = []

    def collect(_c: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", collect)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", collect)


def test_a_backlog_of_3000_messages_is_read_by_index(engine: Engine, clock: datetime) -> None:
    """Each query of the delivery searches an index, among 6,000 rows that were sent."""
    rows = [
        {
            "dedupe_key": str(number),
            "channel": "slack",
            "model": "assistant",
            "subject": "notice",
            "kind": "post",
            "payload": {"text": f"{number}", "blocks": []},
            "attempts": 1,
            "next_attempt_at": clock,
            "created_at": clock,
            "sent_at": clock if number < 6000 else None,
            "failing_since": None if number < 6000 else clock,
            "error": None if number < 6000 else "down",
        }
        for number in range(9000)
    ]
    with transaction(engine) as connection:
        connection.execute(insert(OutboxMessage), rows)
    sender = MemorySender()
    with statements_of(engine) as statements:
        assert (
            deliver_due(
                engine, only(sender), clock + MINUTE, may_continue=lambda: len(sender.sent) < 9
            )
            == 9
        )
    assert [text for _, text in sender.sent] == [f"{number}" for number in range(6000, 6009)]
    reads = {statement for statement in statements if "FROM outbox" in statement}
    with engine.connect() as connection:
        for statement in reads:
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statement}", tuple(0 for _ in range(statement.count("?")))
            )
            details = [row.detail for row in plan]
            assert not any(
                detail.startswith("SCAN outbox") and "INDEX" not in detail for detail in details
            ), (statement, details)
