"""Queries of outgoing messages: inserted with the change that caused them, sent afterwards."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import structlog
from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from monitor.store.rows import columns_of
from monitor.store.tables import Incident, IncidentThread, OutboxMessage

Kind = Literal["post", "reply", "update"]

#: Why the messages of a model that was removed are given up.
WITHDRAWN = "the model was removed from config.toml"

log = structlog.get_logger()

_PENDING: ColumnElement[bool] = and_(
    OutboxMessage.sent_at.is_(None), OutboxMessage.failed_at.is_(None)
)


@dataclass(frozen=True)
class Thread:
    """The message of an incident in a channel: channel and timestamp in Slack, or ids."""

    address: str
    ts: str


@dataclass(frozen=True)
class IncidentState:
    """An incident at the time at which a message of it is sent."""

    id: int
    status: str
    opened_at: datetime


@dataclass(frozen=True, kw_only=True)
class DueMessage:
    """A message to be sent now, with the thread of its incident in its channel."""

    id: int
    dedupe_key: str
    channel: str
    model: str
    subject: str
    kind: Kind
    payload: dict[str, Any]
    #: Earlier attempts.
    attempts: int
    created_at: datetime
    #: Begin of the first earlier attempt whose outcome is unknown; ``None`` without one.
    attempted_at: datetime | None
    evaluation_id: int | None
    incident: IncidentState | None
    #: ``None`` until the incident has a message in the channel.
    thread: Thread | None

    @property
    def incident_id(self) -> int | None:
        """Return its incident."""
        return None if self.incident is None else self.incident.id

    @property
    def outbox_id(self) -> str:
        """Return an id that no message of another database has; posts carry it."""
        origin = f"{self.dedupe_key} {self.created_at.isoformat()}"
        return f"{self.id}-{hashlib.sha256(origin.encode()).hexdigest()[:12]}"

    @property
    def log_ids(self) -> dict[str, int]:
        """Return the ids by which the log follows the message."""
        return log_ids(
            self.id, None if self.incident is None else self.incident.id, self.evaluation_id
        )


@dataclass(frozen=True)
class UnroutedMessage:
    """A pending message that has no channel, or whose channel is not configured any more."""

    id: int
    dedupe_key: str
    channel: str
    model: str
    subject: str
    kind: Kind
    payload: dict[str, Any]
    incident_id: int | None


@dataclass(frozen=True)
class StoredMessage:
    """A message and its delivery status."""

    id: int
    dedupe_key: str
    channel: str
    model: str
    incident_id: int | None
    kind: str
    payload: dict[str, Any]
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    failed_at: datetime | None
    error: str | None


def add_message(
    connection: Connection,
    *,
    dedupe_key: str,
    model: str,
    incident_id: int | None,
    kind: Kind,
    payload: dict[str, Any],
    now: datetime,
    subject: str = "notice",
    evaluation_id: int | None = None,
) -> bool:
    """Insert a message unless its key exists; return whether it was inserted.

    Args:
        connection: Inside the caller's transaction.
        dedupe_key: The same event has the same key.
        model: The model that it is about; empty: the daemon.
        incident_id: Its incident, whose cause is the subject.
        kind: A message of its own, a reply to that of the incident, or its update.
        payload: ``text`` and ``blocks``.
        now: The time of the message.
        subject: What it is about, for the routes, where it has no incident.
        evaluation_id: The drift evaluation that it tells of, which the log of its delivery names.
    """
    if has_message(connection, dedupe_key):
        return False
    if incident_id is not None:
        subject = connection.execute(
            select(Incident.cause).where(Incident.id == incident_id)
        ).scalar_one()
    message = connection.execute(
        insert(OutboxMessage)
        .values(
            dedupe_key=dedupe_key,
            model=model,
            subject=subject,
            incident_id=incident_id,
            evaluation_id=evaluation_id,
            kind=kind,
            payload=payload,
            attempts=0,
            next_attempt_at=now,
            created_at=now,
        )
        .returning(OutboxMessage.id)
    ).scalar_one()
    log.info(
        "message_stored", kind=kind, subject=subject, **log_ids(message, incident_id, evaluation_id)
    )
    return True


def has_message(connection: Connection, dedupe_key: str) -> bool:
    """Return whether there is a message with a key, for whichever channel."""
    known = select(OutboxMessage.id).where(OutboxMessage.dedupe_key == dedupe_key).limit(1)
    return connection.execute(known).one_or_none() is not None


def log_ids(message: int, incident: int | None, evaluation: int | None) -> dict[str, int]:
    """Return the ids by which the log follows a message."""
    ids = {"message": message, "incident": incident, "evaluation": evaluation}
    return {name: value for name, value in ids.items() if value is not None}


def unrouted_messages(connection: Connection, channels: Collection[str]) -> list[UnroutedMessage]:
    """Return the pending messages of none of the channels, the oldest first."""
    statement = (
        select(*columns_of(UnroutedMessage, OutboxMessage))
        .where(_PENDING, OutboxMessage.channel.not_in(channels))
        .order_by(OutboxMessage.id)
    )
    return [UnroutedMessage(**row._asdict()) for row in connection.execute(statement)]


def assign_channels(
    connection: Connection, message: UnroutedMessage, channels: Collection[str]
) -> bool:
    """Name the channels of a message: the first in its row, the rest in copies.

    Returns:
        False where there is none that has no copy.
    """
    taken = set(
        connection.execute(
            select(OutboxMessage.channel).where(OutboxMessage.dedupe_key == message.dedupe_key)
        ).scalars()
    )
    free = [name for name in channels if name not in taken]
    if not free:
        return False
    connection.execute(
        update(OutboxMessage).where(OutboxMessage.id == message.id).values(channel=free[0])
    )
    for name in free[1:]:
        copy_message(connection, message.id, name)
    return True


def copy_message(
    connection: Connection,
    message_id: int,
    channel: str,
    *,
    payload: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> bool:
    """Insert a message for a further channel, unless that has it; return whether it was inserted.

    Args:
        connection: Inside the caller's transaction.
        message_id: The message.
        channel: The further channel.
        payload: ``None``: that of the message.
        now: When it may be sent; ``None``: as the message.
    """
    row = connection.execute(
        select(OutboxMessage.__table__).where(OutboxMessage.id == message_id)
    ).one()
    values = row._asdict()
    known = select(OutboxMessage.id).where(
        OutboxMessage.dedupe_key == row.dedupe_key, OutboxMessage.channel == channel
    )
    if connection.execute(known).one_or_none() is not None:
        return False
    columns = (
        *("dedupe_key", "model", "subject", "incident_id", "evaluation_id"),
        *("kind", "created_at"),
    )
    copy = {name: values[name] for name in columns} | {
        "channel": channel,
        "attempts": 0,
        "payload": row.payload if payload is None else payload,
        "next_attempt_at": now or row.created_at,
    }
    connection.execute(insert(OutboxMessage).values(copy))
    return True


def targets_of_incident(connection: Connection, incident_id: int) -> set[str]:
    """Return the targets of the channels that have a message of an incident."""
    statement = select(IncidentThread.target).where(IncidentThread.incident_id == incident_id)
    return set(connection.execute(statement).scalars())


def lease_due_message(
    connection: Connection,
    now: datetime,
    leased_until: datetime,
    *,
    channel: str,
    target: str,
) -> DueMessage | None:
    """Lease the oldest due message of a channel until ``leased_until``, and note the attempt.

    Messages of one incident are sent in order: none is due while an earlier one is pending. On
    PostgreSQL, rows that another process is leasing are skipped; SQLite has one writer.

    Args:
        connection: Inside a transaction that ends before the attempt begins.
        now: The current time.
        leased_until: When another process may take the message.
        channel: The channel.
        target: Where it posts.
    """
    earlier = aliased(OutboxMessage)
    blocked = exists().where(
        earlier.incident_id == OutboxMessage.incident_id,
        earlier.channel == OutboxMessage.channel,
        earlier.id < OutboxMessage.id,
        earlier.sent_at.is_(None),
        earlier.failed_at.is_(None),
    )
    row = connection.execute(
        _DUE.where(
            _PENDING,
            OutboxMessage.channel == channel,
            OutboxMessage.next_attempt_at <= now,
            ~blocked,
        )
        .order_by(OutboxMessage.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    connection.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == row.id)
        .values(
            next_attempt_at=leased_until,
            attempts=row.attempts + 1,
            attempted_at=row.attempted_at or now,
        )
    )
    return _due_message(connection, row, target)


def standing_messages(connection: Connection, channel: str, target: str) -> list[DueMessage]:
    """Return the newest sent message of each unresolved incident in a channel."""
    newest = (
        select(func.max(OutboxMessage.id))
        .join(Incident, Incident.id == OutboxMessage.incident_id)
        .where(
            OutboxMessage.channel == channel,
            OutboxMessage.sent_at.is_not(None),
            Incident.resolved_at.is_(None),
        )
        .group_by(OutboxMessage.incident_id)
    )
    rows = connection.execute(_DUE.where(OutboxMessage.id.in_(newest)).order_by(OutboxMessage.id))
    return [_due_message(connection, row, target) for row in rows.all()]


_DUE = select(
    OutboxMessage.id,
    OutboxMessage.dedupe_key,
    OutboxMessage.channel,
    OutboxMessage.model,
    OutboxMessage.subject,
    OutboxMessage.incident_id,
    OutboxMessage.evaluation_id,
    OutboxMessage.kind,
    OutboxMessage.payload,
    OutboxMessage.attempts,
    OutboxMessage.created_at,
    OutboxMessage.attempted_at,
)


def _due_message(connection: Connection, row: Any, target: str) -> DueMessage:
    """Return a message with its incident, and the thread of that in a channel."""
    values = row._asdict()
    incident_id = values.pop("incident_id")
    incident = connection.execute(
        select(Incident.id, Incident.status, Incident.opened_at).where(Incident.id == incident_id)
    ).one_or_none()
    thread = connection.execute(
        select(IncidentThread.address, IncidentThread.ts).where(
            IncidentThread.incident_id == incident_id, IncidentThread.target == target
        )
    ).one_or_none()
    return DueMessage(
        **values,
        incident=None if incident is None else IncidentState(*incident),
        thread=None if thread is None else Thread(*thread),
    )


def mark_sent(
    connection: Connection, message: DueMessage, target: str, posted: Thread, now: datetime
) -> None:
    """Record that the channel accepted the message.

    An incident's first message starts its thread; an update that was posted anew starts another.
    """
    connection.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message.id)
        .values(sent_at=now, error=None, attempted_at=None)
    )
    if message.kind == "reply" or message.incident is None or posted == message.thread:
        return
    values = {"address": posted.address, "ts": posted.ts}
    own = and_(IncidentThread.incident_id == message.incident.id, IncidentThread.target == target)
    if connection.execute(update(IncidentThread).where(own).values(values)).rowcount == 0:
        connection.execute(
            insert(IncidentThread).values(incident_id=message.incident.id, target=target, **values)
        )


def withdraw_messages(connection: Connection, model: str, now: datetime) -> int:
    """Give up the pending messages of a model that was removed; return their number."""
    return connection.execute(
        update(OutboxMessage)
        .where(OutboxMessage.model == model, _PENDING)
        .values(failed_at=now, error=WITHDRAWN)
    ).rowcount


def mark_retry(
    connection: Connection,
    message: DueMessage,
    error: str,
    next_attempt_at: datetime,
    *,
    attempted_at: datetime | None,
    now: datetime,
) -> None:
    """Record that the channel was unavailable, and when to try again.

    Args:
        connection: Inside the caller's transaction.
        message: The message.
        error: Why it was not sent.
        next_attempt_at: When to try again.
        attempted_at: Begin of the first attempt whose outcome is unknown; ``None``: the channel
            has certainly not taken the message.
        now: The current time.
    """
    connection.execute(
        update(OutboxMessage)
        .where(_is_leased(message))
        .values(
            error=error,
            next_attempt_at=next_attempt_at,
            attempted_at=attempted_at,
            failing_since=func.coalesce(OutboxMessage.failing_since, now),
        )
    )


def mark_failed(connection: Connection, message: DueMessage, error: str, now: datetime) -> None:
    """Record that the channel refuses the message."""
    connection.execute(
        update(OutboxMessage)
        .where(_is_leased(message))
        .values(error=error, failed_at=now, attempted_at=None)
    )


def withhold_message(connection: Connection, message_id: int, reason: str, now: datetime) -> None:
    """Record that a message is sent nowhere."""
    connection.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id)
        .values(error=reason, failed_at=now, attempts=0, attempted_at=None)
    )


def _is_leased(message: DueMessage) -> ColumnElement[bool]:
    """Return the condition that no other process has taken the message since it was leased."""
    return and_(
        OutboxMessage.id == message.id, OutboxMessage.attempts == message.attempts + 1, _PENDING
    )


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

    Args:
        connection: Inside the caller's transaction.
        channel: The channel.
        lacks_secret: It can send nothing: it fails since its oldest pending message.
    """
    since = OutboxMessage.created_at if lacks_secret else OutboxMessage.failing_since
    row = connection.execute(
        select(since, OutboxMessage.error)
        .where(_PENDING, OutboxMessage.channel == channel, since.is_not(None))
        .order_by(since)
        .limit(1)
    ).one_or_none()
    if row is None or row[0] is None:
        return None
    return FailingChannel(channel, row[0], "its secret is not set" if lacks_secret else row.error)


def refused_messages(
    connection: Connection, since: datetime, fallback: str
) -> list[UnroutedMessage]:
    """Return the messages that channels other than the fallback refused since a time."""
    statement = select(*columns_of(UnroutedMessage, OutboxMessage)).where(
        OutboxMessage.failed_at >= since,
        OutboxMessage.attempts > 0,
        OutboxMessage.error != WITHDRAWN,
        OutboxMessage.channel != fallback,
    )
    return [UnroutedMessage(**row._asdict()) for row in connection.execute(statement)]


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


def pending_of_channel(connection: Connection, channel: str) -> list[UnroutedMessage]:
    """Return the pending messages of a channel, the oldest first."""
    statement = (
        select(*columns_of(UnroutedMessage, OutboxMessage))
        .where(_PENDING, OutboxMessage.channel == channel)
        .order_by(OutboxMessage.id)
    )
    return [UnroutedMessage(**row._asdict()) for row in connection.execute(statement)]


def messages_created_before(connection: Connection, before: datetime) -> list[int]:
    """Return the delivered or failed messages that were created before a time."""
    statement = select(OutboxMessage.id, OutboxMessage.payload).where(
        OutboxMessage.created_at < before,
        OutboxMessage.sent_at.is_not(None) | OutboxMessage.failed_at.is_not(None),
    )
    return [row.id for row in connection.execute(statement) if row.payload.get("blocks")]


def replace_payload(connection: Connection, message_id: int, payload: dict[str, Any]) -> None:
    """Replace the content of a message; its key stays, so that it isn't sent again."""
    connection.execute(
        update(OutboxMessage).where(OutboxMessage.id == message_id).values(payload=payload)
    )


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
        select(func.count(), func.min(OutboxMessage.created_at)).where(_PENDING, *mine)
    ).one()
    return PendingMessages(n, oldest_at)


def last_failure_at(connection: Connection) -> datetime | None:
    """Return when a message was last given up after an attempt to send it."""
    return connection.execute(
        select(func.max(OutboxMessage.failed_at)).where(OutboxMessage.attempts > 0)
    ).scalar_one()


def last_delivery_error(connection: Connection, channel: str, since: datetime) -> str | None:
    """Return why the newest undelivered message of a channel was refused or delayed.

    Args:
        connection: Inside the caller's transaction.
        channel: The channel.
        since: Messages that were created earlier don't count.
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


def list_messages(
    connection: Connection, incident_id: int | None = None, limit: int = 50
) -> list[StoredMessage]:
    """Return messages, the newest first."""
    statement = (
        select(*columns_of(StoredMessage, OutboxMessage))
        .order_by(OutboxMessage.id.desc())
        .limit(limit)
    )
    if incident_id is not None:
        statement = statement.where(OutboxMessage.incident_id == incident_id)
    return [StoredMessage(**row._asdict()) for row in connection.execute(statement)]
