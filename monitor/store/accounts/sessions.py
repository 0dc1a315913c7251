"""Signed-in browsers. Keys are stored as digests: reading the table lets nobody in."""

import hashlib
from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from monitor.store.tables import WebSession


def load_session(connection: Connection, key: str, now: datetime) -> bytes | None:
    """Return the value of a session that has not expired."""
    alive = or_(WebSession.expires_at.is_(None), WebSession.expires_at > now)
    statement = select(WebSession.value).where(WebSession.key == _digest(key), alive)
    return connection.execute(statement).scalar_one_or_none()


def save_session(
    connection: Connection, key: str, value: bytes, expires_at: datetime | None
) -> None:
    """Insert or replace a session."""
    digest = _digest(key)
    values = {"value": value, "expires_at": expires_at}
    changed = connection.execute(
        update(WebSession).where(WebSession.key == digest).values(**values)
    )
    if changed.rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(insert(WebSession).values(key=digest, **values))
    except IntegrityError:  # another request of the same browser was first
        connection.execute(update(WebSession).where(WebSession.key == digest).values(**values))


def load_or_create(connection: Connection, key: str, value: bytes) -> bytes:
    """Return a value that never expires; the first caller's is kept."""
    try:
        with connection.begin_nested():
            connection.execute(
                insert(WebSession).values(key=_digest(key), value=value, expires_at=None)
            )
    except IntegrityError:
        statement = select(WebSession.value).where(WebSession.key == _digest(key))
        return connection.execute(statement).scalar_one()
    return value


def pop_session(connection: Connection, key: str, now: datetime) -> bytes | None:
    """Remove a session and return its value if it had not expired: of two at once, one gets it."""
    statement = (
        delete(WebSession)
        .where(WebSession.key == _digest(key), WebSession.expires_at > now)
        .returning(WebSession.value)
    )
    return connection.execute(statement).scalar_one_or_none()


def delete_session(connection: Connection, key: str) -> None:
    """Remove a session; it need not exist."""
    connection.execute(delete(WebSession).where(WebSession.key == _digest(key)))


def delete_expired(connection: Connection, now: datetime) -> int:
    """Remove all sessions that have expired and return how many."""
    result = connection.execute(delete(WebSession).where(WebSession.expires_at <= now))
    return int(result.rowcount)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
