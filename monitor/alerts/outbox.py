"""Delivery of the outbox: leases, backoff, and refusals that are recorded and counted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine

from monitor.alerts.channels.sender import Sender
from monitor.alerts.messages.mrkdwn import escape
from monitor.errors import (
    ChannelMisconfiguredError,
    ChannelRefusedError,
    ChannelUnavailableError,
)
from monitor.store.alerts import outbox
from monitor.store.engine import transaction
from monitor.telemetry import MESSAGES_FAILED

#: Another process may take a message from one that died while sending after this time.
LEASE = timedelta(minutes=2)

FIRST_DELAY = timedelta(seconds=10)
MAX_DELAY = timedelta(hours=1)
#: A mended configuration is noticed after this time.
MAX_DELAY_MISCONFIGURED = timedelta(minutes=5)

#: Older messages expire: after an outage they would flood the channel.
EXPIRES_AFTER = timedelta(days=7)

log = structlog.get_logger()


@dataclass(frozen=True)
class _Route:
    """A channel and the models whose messages it gets."""

    sender: Sender
    scope: outbox.ModelScope


def deliver_due(
    engine: Engine,
    sender: Sender | None,
    now: datetime,
    *,
    by_model: Mapping[str, Sender] | None = None,
) -> int:
    """Send all due messages, the oldest of each channel first; return the number sent.

    No transaction is open during a call of the channel. A message is leased first, so that no other
    process sends it. If a process dies between the channel's response and its record, the message
    is sent again after :data:`LEASE`; Slack's API cannot prevent that.

    Args:
        engine: The database.
        sender: ``None``: messages stay in the outbox.
        now: The current time, from which the next attempts are scheduled.
        by_model: Senders of models that have their own.
    """
    routes = [
        _Route(of_model, outbox.ModelScope(only=(model,)))
        for model, of_model in (by_model or {}).items()
    ]
    if sender is not None:
        routes.append(_Route(sender, outbox.ModelScope(excluded=tuple(by_model or ()))))
    return sum(_deliver(engine, route, now) for route in routes)


def _deliver(engine: Engine, route: _Route, now: datetime) -> int:
    """Send the due messages of one channel, until it is unavailable."""
    sent = 0
    while True:
        with transaction(engine) as connection:
            message = outbox.lease_due_message(connection, now, now + LEASE, scope=route.scope)
        if message is None:
            return sent
        if now - message.created_at > EXPIRES_AFTER:
            reason = f"expired: not delivered within {EXPIRES_AFTER.days} days"
            _give_up(engine, message, "expired", reason, now)
            continue
        try:
            channel, ts = _send_in_some_form(route.sender, message)
        except ChannelRefusedError as error:
            _give_up(engine, message, "refused", str(error), now)
        except (ChannelUnavailableError, ChannelMisconfiguredError) as error:
            _delay(engine, message, error, now)
            return sent  # further messages would fail, too
        else:
            with transaction(engine) as connection:
                outbox.mark_sent(connection, message, channel, ts, now)
            log.info("message_sent", message=message.id, kind=message.kind, channel=channel)
            sent += 1


def delay_after(attempts: int, retry_after_seconds: float | None = None) -> timedelta:
    """Return the delay after a number of failed attempts: doubling, and at least the channel's.

    Example:
        >>> delay_after(1).total_seconds(), delay_after(3).total_seconds()
        (10.0, 40.0)
        >>> delay_after(1, retry_after_seconds=90).total_seconds()
        90.0
    """
    doubled = min(MAX_DELAY, FIRST_DELAY * (1 << min(attempts - 1, 12)))
    return max(doubled, timedelta(seconds=retry_after_seconds or 0.0))


def _send_in_some_form(sender: Sender, message: outbox.DueMessage) -> tuple[str, str]:
    """Send a message; as plain text where its blocks are refused."""
    try:
        return _send(sender, message)
    except ChannelRefusedError as error:
        if error.code == "parent_gone":  # deleted in the channel
            return _send(sender, replace(message, slack_channel=None, slack_ts=None))
        log.warning("message_sent_as_text", message=message.id, reason=str(error))
        return _send(sender, replace(message, payload={"text": _as_text(message)}))


def _as_text(message: outbox.DueMessage) -> str:
    model = f"{escape(message.model)}: " if message.model else ""
    return f"{model}{message.payload['text']} The details were refused; see driftwarden's page."


def _send(sender: Sender, message: outbox.DueMessage) -> tuple[str, str]:
    """Send a message; an update of a parent that the channel doesn't have becomes the parent."""
    if message.kind == "update" and message.slack_channel and message.slack_ts:
        return sender.update(message.payload, message.slack_channel, message.slack_ts)
    thread = message.slack_ts if message.kind == "reply" else None
    return sender.post(message.payload, thread)


def _give_up(
    engine: Engine, message: outbox.DueMessage, cause: str, reason: str, now: datetime
) -> None:
    with transaction(engine) as connection:
        outbox.mark_failed(connection, message, reason, now)
    MESSAGES_FAILED.labels(cause).inc()
    log.error("message_refused", message=message.id, kind=message.kind, reason=reason)


def _delay(
    engine: Engine,
    message: outbox.DueMessage,
    error: ChannelUnavailableError | ChannelMisconfiguredError,
    now: datetime,
) -> None:
    wait = delay_after(message.attempts + 1, getattr(error, "retry_after_seconds", None))
    if isinstance(error, ChannelMisconfiguredError):
        wait = min(wait, MAX_DELAY_MISCONFIGURED)
    with transaction(engine) as connection:
        outbox.mark_retry(connection, message, str(error), now + wait)
    log.warning(
        "message_delayed",
        message=message.id,
        reason=str(error),
        attempt=message.attempts + 1,
        next_attempt_in_seconds=wait.total_seconds(),
    )
