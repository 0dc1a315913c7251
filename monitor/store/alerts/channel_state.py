"""State of the channels: what they have refused, and since when they take no messages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from monitor.store.alerts.outbox import IS_PENDING, WITHDRAWN
from monitor.store.tables import Incident, OutboxMessage


@dataclass(frozen=True)
class FailingChannel:
    """A channel that takes no messages."""

    name: str
    since: datetime
    #: Of its oldest message.
    error: str


def failing_channel(
    connection: Connection, channel: str, *, lacks_secret: bool = False
) -> FailingChannel | None:
    """Return since when a channel takes no messages, and why; ``None`` where none failed.

    One that lacks its secret can send nothing: it fails since its oldest pending message.
    """
    since = OutboxMessage.created_at if lacks_secret else OutboxMessage.failing_since
    row = connection.execute(
        select(since, OutboxMessage.error)
        .where(IS_PENDING, OutboxMessage.channel == channel, since.is_not(None))
        .order_by(since)
        .limit(1)
    ).one_or_none()
    if row is None or row[0] is None:
        return None
    return FailingChannel(channel, row[0], "its secret is not set" if lacks_secret else row.error)


def count_refused(connection: Connection, since: datetime, *, except_cause: str) -> int:
    """Return the number of messages that were refused since a time.

    Messages of incidents of a cause don't count: that which tells of the others.
    """
    own = select(Incident.id).where(Incident.cause == except_cause)
    return connection.execute(
        select(func.count()).where(
            OutboxMessage.failed_at >= since,
            OutboxMessage.attempts > 0,
            OutboxMessage.error != WITHDRAWN,
            OutboxMessage.incident_id.is_(None) | OutboxMessage.incident_id.not_in(own),
        )
    ).scalar_one()


@dataclass(frozen=True)
class PendingMessages:
    """Messages that are neither sent nor failed."""

    n: int
    #: ``None`` without one.
    oldest_at: datetime | None


def pending_messages(
    connection: Connection, channels: Collection[str] | None = None
) -> PendingMessages:
    """Return number and age of the pending messages of some channels; ``None``: of all."""
    mine = () if channels is None else (OutboxMessage.channel.in_(channels),)
    n, oldest_at = connection.execute(
        select(func.count(), func.min(OutboxMessage.created_at)).where(IS_PENDING, *mine)
    ).one()
    return PendingMessages(n, oldest_at)


def last_failure_at(connection: Connection) -> datetime | None:
    """Return when a message was last given up after an attempt to send it."""
    return connection.execute(
        select(func.max(OutboxMessage.failed_at)).where(OutboxMessage.attempts > 0)
    ).scalar_one()


def last_delivery_error(connection: Connection, channel: str, since: datetime) -> str | None:
    """Return why the newest undelivered message of a channel was refused or delayed.

    Messages that were created before ``since`` don't count.
    """
    return connection.execute(
        select(OutboxMessage.error)
        .where(
            OutboxMessage.channel == channel,
            OutboxMessage.created_at >= since,
            OutboxMessage.sent_at.is_(None),
            OutboxMessage.error.is_not(None),
        )
        .order_by(OutboxMessage.id.desc())
        .limit(1)
    ).scalar_one_or_none()
