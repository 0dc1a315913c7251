"""Delivery of a message: its lease, and the outcome of an attempt."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from monitor.store.alerts.channel_state import last_delivery_at
from monitor.store.alerts.outbox import IS_PENDING, Kind, log_ids
from monitor.store.rows import update_row
from monitor.store.tables import Incident, IncidentThread, OutboxMessage


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


def targets_of_incident(connection: Connection, incident_id: int) -> set[str]:
    """Return the targets of the channels that have a message of an incident."""
    statement = select(IncidentThread.target).where(IncidentThread.incident_id == incident_id)
    return set(connection.execute(statement).scalars())


def lease_due_message(
    connection: Connection,
    now: datetime,
    leased_until: datetime,
    *,
    not_after: datetime,
    channel: str,
    target: str,
) -> DueMessage | None:
    """Lease the oldest due message of a channel until ``leased_until``, and note the attempt.

    Messages of one incident are sent in order: none is due while an earlier one is pending; but an
    update, which notifies nobody, holds back no reply. On PostgreSQL, rows that another process is
    leasing are skipped; SQLite has one writer. The transaction ends before the attempt begins. From
    ``leased_until`` another process may take the message. None waits beyond ``not_after``, unless
    the clock was wrong: then it is due now.
    """
    earlier = aliased(OutboxMessage)
    blocked = exists().where(
        earlier.incident_id == OutboxMessage.incident_id,
        earlier.channel == OutboxMessage.channel,
        earlier.id < OutboxMessage.id,
        earlier.sent_at.is_(None),
        earlier.failed_at.is_(None),
        or_(earlier.kind != "update", OutboxMessage.kind != "reply"),
    )
    row = connection.execute(
        _DUE.where(
            IS_PENDING,
            OutboxMessage.channel == channel,
            or_(OutboxMessage.next_attempt_at <= now, OutboxMessage.next_attempt_at > not_after),
            ~blocked,
        )
        .order_by(OutboxMessage.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    update_row(
        connection,
        OutboxMessage,
        row.id,
        next_attempt_at=leased_until,
        attempts=row.attempts + 1,
        attempted_at=row.attempted_at or now,
        error=None,
    )
    return _due_message(connection, row, target)


@dataclass(frozen=True)
class LaterMessage:
    """A pending message of an incident that follows another."""

    id: int
    kind: Kind
    is_broadcast: bool


def later_messages(connection: Connection, message: DueMessage) -> list[LaterMessage]:
    """Return the pending messages of an incident in a channel after one."""
    rows = connection.execute(
        select(OutboxMessage.id, OutboxMessage.kind, OutboxMessage.payload).where(
            IS_PENDING,
            OutboxMessage.channel == message.channel,
            OutboxMessage.id > message.id,
            OutboxMessage.incident_id == message.incident_id,
        )
    )
    return [
        LaterMessage(row.id, row.kind, bool(row.payload.get("reply_broadcast"))) for row in rows
    ]


def was_sent(connection: Connection, dedupe_key: str, channel: str) -> bool:
    """Return whether a channel has taken the message of a key."""
    statement = select(OutboxMessage.id).where(
        OutboxMessage.dedupe_key == dedupe_key,
        OutboxMessage.channel == channel,
        OutboxMessage.sent_at.is_not(None),
    )
    return connection.execute(statement).one_or_none() is not None


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
    The messages that failed since the channel's last delivery become due: it takes messages again.
    """
    _release(connection, message.channel, now)
    _date_failures_before(connection, message.channel, now)
    update_row(connection, OutboxMessage, message.id, sent_at=now, error=None, attempted_at=None)
    if message.kind == "reply" or message.incident is None or posted == message.thread:
        return
    values = {"address": posted.address, "ts": posted.ts}
    own = and_(IncidentThread.incident_id == message.incident.id, IncidentThread.target == target)
    if connection.execute(update(IncidentThread).where(own).values(values)).rowcount == 0:
        connection.execute(
            insert(IncidentThread).values(incident_id=message.incident.id, target=target, **values)
        )


def _release(connection: Connection, channel: str, now: datetime) -> None:
    """Make the messages due that wait because a channel took none, but not those under way."""
    taken = last_delivery_at(connection, channel, now)
    since_then = () if taken is None else (OutboxMessage.failing_since >= taken,)
    connection.execute(
        update(OutboxMessage)
        .where(
            IS_PENDING,
            OutboxMessage.channel == channel,
            OutboxMessage.next_attempt_at > now,
            OutboxMessage.error.is_not(None),
            *since_then,
        )
        .values(next_attempt_at=now)
    )


def _date_failures_before(connection: Connection, channel: str, now: datetime) -> None:
    """Date the failures that were recorded earlier before a delivery.

    They may have its time, or a later one by the clock of another replica.
    """
    connection.execute(
        update(OutboxMessage)
        .where(IS_PENDING, OutboxMessage.channel == channel, OutboxMessage.failing_since >= now)
        .values(failing_since=now - timedelta(microseconds=1))
    )


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

    ``attempted_at`` is the begin of the first attempt whose outcome is unknown; ``None``: the
    channel has certainly not taken the message.
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


def _is_leased(message: DueMessage) -> ColumnElement[bool]:
    """Return the condition that no other process has taken the message since it was leased."""
    return and_(
        OutboxMessage.id == message.id, OutboxMessage.attempts == message.attempts + 1, IS_PENDING
    )
