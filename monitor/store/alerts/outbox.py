"""Queries of outgoing messages: inserted with the change that caused them, sent afterwards."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import structlog
from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from monitor.store.rows import columns_of, insert_row, update_row
from monitor.store.tables import Incident, OutboxMessage

Kind = Literal["post", "reply", "update"]

#: Why a message without content is given up, in place of an error that may have quoted it.
EXPIRED = "its content was removed: it was older than retention.messages"
#: The content of a message whose content was removed.
EMPTY: dict[str, Any] = {"text": "(removed)", "blocks": []}

#: Why the messages of a model that was removed are given up.
WITHDRAWN = "the model was removed from config.toml"

#: Neither sent nor failed.
IS_PENDING: ColumnElement[bool] = and_(
    OutboxMessage.sent_at.is_(None), OutboxMessage.failed_at.is_(None)
)

log = structlog.get_logger()


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
    incident_id: int | None = None,
    kind: Kind = "post",
    payload: dict[str, Any],
    now: datetime,
    subject: str = "notice",
    evaluation_id: int | None = None,
) -> bool:
    """Insert a message unless its key exists; return whether it was inserted.

    The same event has the same key; an empty model is the daemon. A message is one of its own, a
    reply to that of the incident, or its update; its payload has ``text`` and ``blocks``. Routes go
    by the cause of the incident or, where it has none, by the subject. The log of its delivery
    names the drift evaluation.
    """
    if has_message(connection, dedupe_key):
        return False
    if incident_id is not None:
        subject = connection.execute(
            select(Incident.cause).where(Incident.id == incident_id)
        ).scalar_one()
    message = insert_row(
        connection,
        OutboxMessage,
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
    log.info(
        "message_stored", kind=kind, subject=subject, **log_ids(message, incident_id, evaluation_id)
    )
    return True


def has_message(connection: Connection, dedupe_key: str) -> bool:
    """Return whether there is a message with a key, for whichever channel."""
    known = select(OutboxMessage.id).where(OutboxMessage.dedupe_key == dedupe_key).limit(1)
    return connection.execute(known).one_or_none() is not None


def refusals_of(connection: Connection, dedupe_key: str) -> list[tuple[str, datetime]]:
    """Return the channels that finally did not take a message, and since when."""
    statement = (
        select(OutboxMessage.channel, OutboxMessage.failed_at)
        .where(OutboxMessage.dedupe_key == dedupe_key, OutboxMessage.attempts > 0)
        .order_by(OutboxMessage.channel)
    )
    return [(channel, at) for channel, at in connection.execute(statement) if at is not None]


def log_ids(message: int, incident: int | None, evaluation: int | None) -> dict[str, int]:
    """Return the ids by which the log follows a message."""
    ids = {"message": message, "incident": incident, "evaluation": evaluation}
    return {name: value for name, value in ids.items() if value is not None}


def withdraw_messages(connection: Connection, model: str, now: datetime) -> int:
    """Give up the pending messages of a model that was removed; return their number."""
    return connection.execute(
        update(OutboxMessage)
        .where(OutboxMessage.model == model, IS_PENDING)
        .values(failed_at=now, error=WITHDRAWN)
    ).rowcount


def count_withdrawn(connection: Connection, model: str, at: datetime) -> int:
    """Return the number of messages of a model that its removal withdrew at a time."""
    mine = (OutboxMessage.model == model, OutboxMessage.failed_at == at)
    return connection.execute(
        select(func.count()).where(*mine, OutboxMessage.error == WITHDRAWN)
    ).scalar_one()


def messages_created_before(connection: Connection, before: datetime) -> list[int]:
    """Return the messages with content, sent or not, that were created before a time."""
    statement = select(OutboxMessage.id, OutboxMessage.payload, OutboxMessage.error).where(
        OutboxMessage.created_at < before
    )
    return [
        row.id
        for row in connection.execute(statement.order_by(OutboxMessage.id))
        if row.payload != EMPTY or row.error not in {None, EXPIRED}
    ]


def empty_message(connection: Connection, message_id: int, now: datetime) -> None:
    """Remove the content of a message, and give up one that was never sent.

    Its key stays, so that it isn't stored again.
    """
    mine = OutboxMessage.id == message_id
    connection.execute(
        update(OutboxMessage).where(mine, IS_PENDING).values(failed_at=now, error=EXPIRED)
    )
    connection.execute(update(OutboxMessage).where(mine).values(payload=EMPTY))
    has_error = OutboxMessage.error.is_not(None)
    connection.execute(update(OutboxMessage).where(mine, has_error).values(error=EXPIRED))


def replace_payload(connection: Connection, message_id: int, payload: dict[str, Any]) -> None:
    """Replace the content of a message; its key stays, so that it isn't sent again."""
    update_row(connection, OutboxMessage, message_id, payload=payload)


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
