"""Channels that take no messages: the fallback speaks, and an incident of the daemon tells it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from monitor.alerts.channels import Channels
from monitor.alerts.incidents import clear, report
from monitor.alerts.outbox import deliver_due, repeat_due, route, takes
from monitor.alerts.sending.preparation import INSTEAD_OF, NOTE, UNDELIVERED
from monitor.plurals import pluralize
from monitor.rendering.numbers import format_instant
from monitor.settings import Alerts
from monitor.store.alerts import channel_state, routing
from monitor.store.alerts.channel_state import FailingChannel, StuckMessages
from monitor.store.engine import transaction

#: A channel that has taken no message for this time is not waited for.
PATIENCE = timedelta(minutes=15)

#: A message that was refused and that no fallback took is told for as long.
RECENT = timedelta(days=1)


def deliver(
    engine: Engine,
    channels: Channels,
    now: datetime,
    *,
    alerts: Alerts,
    may_continue: Callable[[], bool] = lambda: True,
) -> int:
    """Send all due messages, and those of failing channels by the fallback; return their number.

    ``may_continue`` is called before each message; ``False`` ends the run.
    """
    n_sent = deliver_due(engine, channels, now, may_continue=may_continue)
    with transaction(engine) as connection:
        failing = failing_channels(connection, channels, now)
        stuck = _stuck_messages(connection, channels, now)
        facts = [f"{describe(channel)}." for channel in failing]
        facts += [f"{describe_stuck(messages)}." for messages in stuck]
        keys = [channel.name for channel in failing]
        keys += [f"{messages.channel}:stuck" for messages in stuck]
        n_refused = 0
        if channels.senders.get(channels.routes.fallback) is None:
            n_refused = channel_state.count_refused(
                connection, now - RECENT, except_cause=UNDELIVERED
            )
        if n_refused:
            facts.append(f"{pluralize(n_refused, 'message')} refused in the last day.")
            keys.append("refused")
        if facts:
            report(
                connection,
                UNDELIVERED,
                "",
                now,
                text=" ".join(facts),
                keys=keys,
                since=min([*(c.since for c in failing), *(m.since for m in stuck)], default=None),
                alerts=alerts,
            )
        else:
            clear(connection, UNDELIVERED, "", now, alerts=alerts)
    route(engine, channels, now)  # the report waits for the failing channel, too
    repeat_due(engine, channels, now)
    if _copy_to_fallback(engine, channels, failing, stuck, now):
        n_sent += deliver_due(engine, channels, now, may_continue=may_continue)
    return n_sent


def failing_channels(
    connection: Connection, channels: Channels, now: datetime
) -> list[FailingChannel]:
    """Return the channels that have failed for 15 minutes.

    One without its secret fails from its first message on.
    """
    failing = []
    for name in channels.routes.channels:
        lacks_secret = name not in channels.senders
        channel = channel_state.failing_channel(connection, name, now, lacks_secret=lacks_secret)
        # A time that lies ahead is of a clock that was wrong.
        if channel is not None and abs(now - channel.since) >= PATIENCE:
            failing.append(channel)
    return failing


def describe(channel: FailingChannel) -> str:
    """Return since when a channel takes no messages, and why."""
    return (
        f"{channel.name} has taken no message since {format_instant(channel.since)}: "
        f"{channel.error}"
    )


def describe_stuck(messages: StuckMessages) -> str:
    """Return how many messages a channel does not take, while it takes others, and why."""
    return (
        f"{messages.channel}: {pluralize(messages.n, 'message')} not delivered, "
        f"{pluralize(messages.attempts, 'attempt')}: {messages.error}"
    )


def _stuck_messages(
    connection: Connection, channels: Channels, now: datetime
) -> list[StuckMessages]:
    """Return what channels have not taken for 15 minutes, while they took other messages."""
    stuck = (
        channel_state.stuck_messages(connection, name, now) for name in channels.routes.channels
    )
    return [messages for messages in stuck if messages and now - messages.since >= PATIENCE]


def _copy_to_fallback(
    engine: Engine,
    channels: Channels,
    failing: Sequence[FailingChannel],
    stuck: Sequence[StuckMessages],
    now: datetime,
) -> int:
    """Copy what waits for failing channels, and what they refused; return the number of copies."""
    fallback = channels.routes.fallback
    sender = channels.senders.get(fallback)
    if sender is None:
        return 0
    n = 0
    with transaction(engine) as connection:
        waiting = [
            (message, describe(channel))
            for channel in failing
            if channel.name != fallback
            for message in routing.pending_of_channel(connection, channel.name)
        ]
        waiting += [
            (message, describe_stuck(messages))
            for messages in stuck
            if messages.channel != fallback
            for message in routing.pending_of_channel(
                connection, messages.channel, until=now - PATIENCE
            )
        ]
        waiting += [
            (message, f"{message.channel} refused it")
            for message in routing.refused_messages(connection, now - PATIENCE, fallback)
        ]
        for message, reason in waiting:
            if takes(sender, message):
                marks = {INSTEAD_OF: message.channel, NOTE: f"Sent here because {reason}."}
                payload = message.payload | marks
                n += routing.copy_message(
                    connection, message.id, fallback, payload=payload, now=now
                )
    return n
