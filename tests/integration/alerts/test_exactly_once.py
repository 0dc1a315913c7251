"""Each message exactly once: lost responses, server errors, cut connections, and killed senders."""

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from monitor.alerts import outbox
from monitor.alerts.channels import only
from monitor.alerts.outbox import LEASE, MAX_DELAY, MAY_BE_REPEATED, deliver_due
from monitor.errors import ChannelMisconfiguredError
from monitor.store.alerts.delivery import DueMessage, Thread
from monitor.store.engine import make_engine
from tests.integration.alerts.outbox_messages import add_incident, add_messages, outbox_rows
from tests.services.slack import SCOPES, FakeSlack, Fault, Message, slack  # noqa: F401 - a fixture
from tests.support.alerts.senders import MemorySender, slack_sender

FAULTS: tuple[Fault, ...] = ("cut", "response_lost", "failed_after", "failed", "rate_limited")
#: Those after which the message is posted, and the sender doesn't know it.
LOST = {"response_lost", "failed_after"}
#: Those that leave open whether it is posted.
UNKNOWN = LOST | {"cut", "failed"}
WITHOUT_HISTORY = SCOPES - {"channels:history"}


def posts_by_row(server: FakeSlack) -> Counter[str]:
    return Counter(message.outbox_id for message in server.messages.values())


def deliver_all(engine: Engine, server: FakeSlack, now: datetime) -> None:
    for attempt in range(40):
        deliver_due(engine, only(slack_sender(server)), now + attempt * MAX_DELAY)
        if all(row.sent_at or row.failed_at for row in outbox_rows(engine)):
            return


@pytest.mark.parametrize("fault", FAULTS)
def test_with_history_each_message_is_posted_once(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
    fault: Fault,
) -> None:
    add_incident(any_engine, clock)
    add_messages(any_engine, 2, clock)
    slack.faults = [fault, None, fault, fault, None, fault]
    deliver_all(any_engine, slack, clock)
    assert list(posts_by_row(slack).values()) == [1, 1, 1, 1]
    (parent, *_) = slack.parents
    # One that is found may tell an earlier state; else it tells what the update does.
    assert parent.n_updates == (fault in LOST)
    assert len(slack.replies(parent)) == 1
    assert not any(MAY_BE_REPEATED in message.text for message in slack.messages.values())


@pytest.mark.parametrize("fault", FAULTS)
def test_without_history_only_a_lost_response_is_repeated(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
    fault: Fault,
) -> None:
    slack.scopes = WITHOUT_HISTORY
    add_messages(engine, 2, clock)
    slack.faults = [fault]
    deliver_all(engine, slack, clock)
    assert sorted(posts_by_row(slack).values()) == [1, 1 + (fault in LOST)]
    marked = [message for message in slack.messages.values() if MAY_BE_REPEATED in message.text]
    assert len(marked) == (fault in UNKNOWN)
    assert all(message.blocks[0]["type"] == "context" for message in marked)
    assert {row.attempted_at for row in outbox_rows(engine)} == {None}


def test_the_history_is_searched_beyond_its_first_page(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    add_messages(engine, 1, clock)
    slack.faults = ["response_lost"]
    deliver_due(engine, only(slack_sender(slack)), clock)
    for number in range(8):  # of other apps
        slack.reply(
            "chat.postMessage",
            {"channel": "C0DRIFT", "text": f"{number}"},
            "Bearer xoxb-test-token",
        )
    deliver_due(engine, only(slack_sender(slack)), clock + MAX_DELAY)
    assert len(slack.messages) == 9
    assert outbox_rows(engine)[0].sent_at is not None


def test_a_row_of_another_database_is_not_taken_for_ours(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
) -> None:
    add_messages(engine, 1, clock)
    slack.faults = ["cut"]
    deliver_due(engine, only(slack_sender(slack)), clock)
    metadata = {"event_payload": {"outbox_id": f"{outbox_rows(engine)[0].id}-0123456789ab"}}
    theirs = {"channel": "C0DRIFT", "text": "x", "metadata": metadata}
    slack.reply("chat.postMessage", theirs, "Bearer xoxb-test-token")
    deliver_due(engine, only(slack_sender(slack)), clock + MAX_DELAY)
    assert len(slack.messages) == 2


def send_until_killed(url: str, server: FakeSlack, now: datetime) -> None:
    """Deliver again and again, in a process of its own."""
    os.setsid()
    engine = make_engine(url)
    sender = slack_sender(server)
    while True:
        deliver_due(engine, only(sender), now)


def kill_senders(
    engine: Engine, server: FakeSlack, now: datetime, *, kills: int, seed: int
) -> tuple[Counter[str], int]:
    """Kill the sender at random moments; return the posts of each row, and the lost responses."""
    rng = random.Random(seed)
    add_incident(engine, now)
    add_messages(engine, kills + 4, now)
    context = multiprocessing.get_context("fork")
    faults = [rng.choice([None, None, None, *FAULTS]) for _ in range(8 * kills)]
    server.faults = list(faults)
    url = engine.url.render_as_string(hide_password=False)
    n_killed = 0
    for _ in range(kills):
        now += max(LEASE, timedelta(minutes=rng.randrange(2, 30)))
        before = len(server.calls)
        process = context.Process(target=send_until_killed, args=(url, server, now))
        process.start()
        deadline = time.monotonic() + 5
        while len(server.calls) == before and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(rng.random() * 0.02)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        n_killed += process.exitcode == -signal.SIGKILL
    used = faults[: len(faults) - len(server.faults)]
    server.faults = []
    deliver_all(engine, server, now + timedelta(hours=1))
    assert n_killed == kills
    return posts_by_row(server), sum(fault in LOST for fault in used)


KILLS = [
    pytest.param(5, id="5-kills"),
    pytest.param(50, id="50-kills", marks=pytest.mark.drill),
]


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_sender_posts_each_message_once(
    any_engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
    kills: int,
) -> None:
    posts, _ = kill_senders(any_engine, slack, clock, kills=kills, seed=1)
    n_posts = len([row for row in outbox_rows(any_engine) if row.kind != "update"])
    assert len(posts) == n_posts
    assert set(posts.values()) == {1}
    print(f"{kills} kills: {n_posts} rows, {sum(posts.values())} messages")


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_sender_without_history_marks_each_repetition(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
    kills: int,
) -> None:
    slack.scopes = WITHOUT_HISTORY
    posts, n_lost = kill_senders(engine, slack, clock, kills=kills, seed=2)
    assert len(posts) == len([row for row in outbox_rows(engine) if row.kind != "update"])
    n_more = sum(posts.values()) - len(posts)
    assert n_more <= n_lost + kills
    of_row: dict[str, list[Message]] = {}
    for message in slack.messages.values():
        of_row.setdefault(message.outbox_id, []).append(message)
    repeated = [message for messages in of_row.values() for message in messages[1:]]
    # An update replaces the text.
    assert all(MAY_BE_REPEATED in message.text or message.n_updates for message in repeated)
    print(f"{kills} kills, {n_lost} responses lost: {n_more} messages more")


def test_a_sender_that_was_stopped_leaves_the_message_to_another(
    engine: Engine,
    clock: datetime,
    slack: FakeSlack,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_messages(engine, 1, clock)
    context = multiprocessing.get_context("fork")
    leased = context.Event()

    def deliver_slowly(url: str) -> None:
        # In this process alone: the other may take its time on a busy machine.
        monkeypatch.setattr(outbox, "LEASE", timedelta(seconds=0.2))
        monkeypatch.setattr(outbox, "MAX_AGE_OF_LEASE", timedelta(seconds=0.1))
        own = make_engine(url)
        sender = slack_sender(slack)
        search = sender.find

        def find_after_a_stop(message: DueMessage, thread: Thread | None) -> Thread | None:
            result = search(message, thread)
            leased.set()
            os.kill(os.getpid(), signal.SIGSTOP)
            return result

        monkeypatch.setattr(sender, "find", find_after_a_stop)
        deliver_due(own, only(sender), clock + MAX_DELAY)

    slack.faults = ["cut"]
    deliver_due(engine, only(slack_sender(slack)), clock)
    process = context.Process(
        target=deliver_slowly, args=(engine.url.render_as_string(hide_password=False),)
    )
    process.start()
    assert leased.wait(20)
    time.sleep(0.3)
    assert deliver_due(engine, only(slack_sender(slack)), clock + MAX_DELAY + LEASE) == 1
    assert process.pid is not None
    os.kill(process.pid, signal.SIGCONT)
    process.join(20)
    assert process.exitcode == 0
    assert list(posts_by_row(slack).values()) == [1]
    (row,) = outbox_rows(engine)
    assert (row.sent_at is not None, row.error) == (True, None)


def test_messages_of_a_removed_channel_go_by_the_new_routes(
    engine: Engine, clock: datetime
) -> None:
    gone, added = MemorySender("gone"), MemorySender("added")
    gone.errors = [ChannelMisconfiguredError("refused")]
    add_messages(engine, 1, clock)
    assert deliver_due(engine, only(gone, "gone"), clock) == 0
    assert deliver_due(engine, only(added, "added"), clock + MAX_DELAY) == 1
    (row,) = outbox_rows(engine)
    assert row.channel == "added"
