"""Channels of the messages: which are named, and which are still to be."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from monitor.store.alerts.outbox import IS_PENDING, WITHDRAWN, Kind
from monitor.store.rows import columns_of, read_rows, update_row
from monitor.store.tables import OutboxMessage


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


def unrouted_messages(connection: Connection, channels: Collection[str]) -> list[UnroutedMessage]:
    """Return the pending messages of none of the channels, the oldest of each first."""
    return _messages(connection, IS_PENDING, OutboxMessage.channel.not_in(channels))


def assign_channels(
    connection: Connection, message: UnroutedMessage, channels: Collection[str]
) -> bool:
    """Name the channels of a message: the first in its row, the rest in copies.

    Return ``False`` where there is none that has no copy.
    """
    taken = set(
        connection.execute(
            select(OutboxMessage.channel).where(OutboxMessage.dedupe_key == message.dedupe_key)
        ).scalars()
    )
    free = [name for name in channels if name not in taken]
    if not free:
        return False
    update_row(connection, OutboxMessage, message.id, channel=free[0])
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

    Without a payload it is that of the message; without ``now`` it may be sent as the message may.
    """
    row = connection.execute(
        select(OutboxMessage.__table__).where(OutboxMessage.id == message_id)
    ).one()
    known = select(OutboxMessage.id).where(
        OutboxMessage.dedupe_key == row.dedupe_key, OutboxMessage.channel == channel
    )
    if connection.execute(known).one_or_none() is not None:
        return False
    columns = (
        *("dedupe_key", "model", "subject", "incident_id", "evaluation_id"),
        *("kind", "created_at"),
    )
    copy = {name: getattr(row, name) for name in columns} | {
        "channel": channel,
        "attempts": 0,
        "payload": row.payload if payload is None else payload,
        "next_attempt_at": now or row.created_at,
    }
    connection.execute(insert(OutboxMessage).values(copy))
    return True


def withhold_messages(
    connection: Connection, message_ids: Collection[int], reason: str, now: datetime
) -> None:
    """Record that pending messages are sent nowhere, which is no failure."""
    connection.execute(
        update(OutboxMessage)
        .where(IS_PENDING, OutboxMessage.id.in_(message_ids))
        .values(error=reason, failed_at=now, attempts=0, attempted_at=None)
    )


def refused_messages(
    connection: Connection, since: datetime, fallback: str
) -> list[UnroutedMessage]:
    """Return the messages that channels other than the fallback refused since a time."""
    return _messages(
        connection,
        OutboxMessage.failed_at >= since,
        OutboxMessage.attempts > 0,
        OutboxMessage.error != WITHDRAWN,
        OutboxMessage.channel != fallback,
    )


def pending_of_channel(
    connection: Connection, channel: str, *, until: datetime | None = None
) -> list[UnroutedMessage]:
    """Return the pending messages of a channel, the oldest first; with ``until`` the older ones."""
    older = () if until is None else (OutboxMessage.created_at <= until,)
    return _messages(connection, IS_PENDING, OutboxMessage.channel == channel, *older)


def _messages(connection: Connection, *conditions: ColumnElement[bool]) -> list[UnroutedMessage]:
    statement = (
        select(*columns_of(UnroutedMessage, OutboxMessage))
        .where(*conditions)
        .order_by(OutboxMessage.channel, OutboxMessage.id)  # as the index of what is pending
    )
    return read_rows(connection, UnroutedMessage, statement)
