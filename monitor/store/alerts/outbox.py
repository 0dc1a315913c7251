"""Queries of outgoing messages: inserted with the change that caused them, sent afterwards."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    exists,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.orm import aliased

from monitor.store.rows import columns_of
from monitor.store.tables import Incident, OutboxMessage

Kind = Literal["post", "reply", "update"]


@dataclass(frozen=True)
class DueMessage:
    """A message to be sent now, with the Slack thread of its incident."""

    id: int
    model: str
    incident_id: int | None
    kind: str
    payload: dict[str, Any]
    #: Earlier attempts.
    attempts: int
    created_at: datetime
    #: Channel and timestamp of the incident's parent message; ``None`` until it was posted.
    slack_channel: str | None
    slack_ts: str | None


@dataclass(frozen=True)
class ModelScope:
    """Models whose messages a channel gets."""

    #: ``None``: all.
    only: Collection[str] | None = None
    excluded: Collection[str] = ()

    def includes(self, model: str) -> bool:
        """Return whether the channel gets the messages of a model."""
        return (self.only is None or model in self.only) and model not in self.excluded

    @property
    def condition(self) -> ColumnElement[bool]:
        """The condition on the messages of these models."""
        mine = true() if self.only is None else OutboxMessage.model.in_(self.only)
        return and_(mine, OutboxMessage.model.not_in(self.excluded))


#: Messages of all models.
ALL_MODELS = ModelScope()


@dataclass(frozen=True)
class StoredMessage:
    """A message and its delivery status."""

    id: int
    dedupe_key: str
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
) -> bool:
    """Insert a message unless its key exists; return whether it was inserted."""
    known = connection.execute(
        select(OutboxMessage.id).where(OutboxMessage.dedupe_key == dedupe_key)
    ).one_or_none()
    if known is not None:
        return False
    connection.execute(
        insert(OutboxMessage).values(
            dedupe_key=dedupe_key,
            model=model,
            incident_id=incident_id,
            kind=kind,
            payload=payload,
            attempts=0,
            next_attempt_at=now,
            created_at=now,
        )
    )
    return True


def lease_due_message(
    connection: Connection,
    now: datetime,
    leased_until: datetime,
    *,
    scope: ModelScope = ALL_MODELS,
) -> DueMessage | None:
    """Lease the oldest due message of some models until ``leased_until``.

    Messages of one incident are sent in order: none is due while an earlier one is pending. On
    PostgreSQL, rows that another process is leasing are skipped; SQLite has one writer.
    """
    earlier = aliased(OutboxMessage)
    blocked = exists().where(
        earlier.incident_id == OutboxMessage.incident_id,
        earlier.id < OutboxMessage.id,
        earlier.sent_at.is_(None),
        earlier.failed_at.is_(None),
    )
    row = connection.execute(
        select(
            OutboxMessage.id,
            OutboxMessage.model,
            OutboxMessage.incident_id,
            OutboxMessage.kind,
            OutboxMessage.payload,
            OutboxMessage.attempts,
            OutboxMessage.created_at,
        )
        .where(
            OutboxMessage.sent_at.is_(None),
            OutboxMessage.failed_at.is_(None),
            OutboxMessage.next_attempt_at <= now,
            ~blocked,
            scope.condition,
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
        .values(next_attempt_at=leased_until, attempts=row.attempts + 1)
    )
    incident = connection.execute(
        select(Incident.slack_channel, Incident.slack_ts).where(Incident.id == row.incident_id)
    ).one_or_none()
    channel, ts = (None, None) if incident is None else (incident[0], incident[1])
    return DueMessage(**row._asdict(), slack_channel=channel, slack_ts=ts)


def mark_sent(
    connection: Connection, message: DueMessage, channel: str, ts: str, now: datetime
) -> None:
    """Record that Slack accepted the message.

    An incident's first message starts its thread; an update that was posted anew starts another.
    """
    connection.execute(
        update(OutboxMessage).where(OutboxMessage.id == message.id).values(sent_at=now, error=None)
    )
    if message.kind in {"post", "update"} and message.incident_id is not None:
        connection.execute(
            update(Incident)
            .where(Incident.id == message.incident_id)
            .values(slack_channel=channel, slack_ts=ts)
        )


def withdraw_messages(connection: Connection, model: str, reason: str, now: datetime) -> int:
    """Give up the pending messages of a model; return their number."""
    return connection.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.model == model,
            OutboxMessage.sent_at.is_(None),
            OutboxMessage.failed_at.is_(None),
        )
        .values(failed_at=now, error=reason)
    ).rowcount


def mark_retry(
    connection: Connection, message: DueMessage, error: str, next_attempt_at: datetime
) -> None:
    """Record that Slack was unavailable, and when to try again."""
    connection.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message.id)
        .values(error=error, next_attempt_at=next_attempt_at)
    )


def mark_failed(connection: Connection, message: DueMessage, error: str, now: datetime) -> None:
    """Record that the message can't be sent."""
    connection.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message.id)
        .values(error=error, failed_at=now)
    )


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


def pending_messages(connection: Connection, scope: ModelScope = ALL_MODELS) -> PendingMessages:
    """Return number and age of the pending messages of some models."""
    n, oldest_at = connection.execute(
        select(func.count(), func.min(OutboxMessage.created_at)).where(
            OutboxMessage.sent_at.is_(None), OutboxMessage.failed_at.is_(None), scope.condition
        )
    ).one()
    return PendingMessages(n, oldest_at)


def last_failure_at(connection: Connection) -> datetime | None:
    """Return when a message was last given up after an attempt to send it."""
    return connection.execute(
        select(func.max(OutboxMessage.failed_at)).where(OutboxMessage.attempts > 0)
    ).scalar_one()


def last_delivery_error(connection: Connection, model: str, since: datetime) -> str | None:
    """Return why the newest undelivered message of a model was refused or delayed.

    Args:
        connection: Inside the caller's transaction.
        model: The model.
        since: Messages that were created earlier don't count.
    """
    return connection.execute(
        select(OutboxMessage.error)
        .where(
            OutboxMessage.model == model,
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
