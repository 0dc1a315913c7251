"""Delivery of the outbox: leases, backoff, and refusals that are recorded and logged."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine

from monitor.alerts.channels.sender import Sender
from monitor.errors import ChannelRefusedError, ChannelUnavailableError
from monitor.store.alerts import outbox
from monitor.store.engine import transaction

#: Another process may take a message from one that died while sending after this time.
LEASE = timedelta(minutes=2)

FIRST_DELAY = timedelta(seconds=10)
MAX_DELAY = timedelta(hours=1)

#: Older messages expire: after an outage they would flood the channel.
EXPIRES_AFTER = timedelta(days=7)

log = structlog.get_logger()


def deliver_due(
    engine: Engine,
    sender: Sender | None,
    now: datetime,
    *,
    by_model: Mapping[str, Sender] | None = None,
) -> int:
    """Send all due messages, the oldest first; return the number sent.

    No transaction is open during a call of the channel. A message is leased first, so that no other
    process sends it. If a process dies between the channel's response and its record, the message
    is sent again after :data:`LEASE`; Slack's API cannot prevent that.

    Args:
        engine: The database.
        sender: ``None``: messages stay in the outbox.
        now: The current time, from which the next attempts are scheduled.
        by_model: Senders of models that have their own.
    """
    senders = by_model or {}
    if sender is None and not senders:
        return 0
    models = senders if sender is None else None
    sent = 0
    while True:
        with transaction(engine) as connection:
            message = outbox.lease_due_message(connection, now, now + LEASE, models=models)
        if message is None:
            return sent
        reason = _undeliverable(message, now)
        if reason is not None:
            _refuse(engine, message, reason, now)
            continue
        try:
            channel, ts = _send(senders.get(message.model, sender), message)
        except ChannelRefusedError as error:
            _refuse(engine, message, str(error), now)
        except ChannelUnavailableError as error:
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


def _send(sender: Sender | None, message: outbox.DueMessage) -> tuple[str, str]:
    assert sender is not None  # noqa: S101 - only messages that have one are leased
    if message.kind == "update" and message.slack_channel and message.slack_ts:
        return sender.update(message.payload, message.slack_channel, message.slack_ts)
    thread = message.slack_ts if message.kind == "reply" else None
    return sender.post(message.payload, thread)


def _undeliverable(message: outbox.DueMessage, now: datetime) -> str | None:
    if now - message.created_at > EXPIRES_AFTER:
        return f"expired: not delivered within {EXPIRES_AFTER.days} days"
    if message.kind in {"reply", "update"} and message.slack_ts is None:
        return "the first message of its incident was never delivered"
    return None


def _refuse(engine: Engine, message: outbox.DueMessage, reason: str, now: datetime) -> None:
    with transaction(engine) as connection:
        outbox.mark_failed(connection, message, reason, now)
    log.error("message_refused", message=message.id, kind=message.kind, reason=reason)


def _delay(
    engine: Engine, message: outbox.DueMessage, error: ChannelUnavailableError, now: datetime
) -> None:
    wait = delay_after(message.attempts + 1, error.retry_after_seconds)
    with transaction(engine) as connection:
        outbox.mark_retry(connection, message, str(error), now + wait)
    log.warning(
        "message_delayed",
        message=message.id,
        reason=str(error),
        attempt=message.attempts + 1,
        next_attempt_in_seconds=wait.total_seconds(),
    )
