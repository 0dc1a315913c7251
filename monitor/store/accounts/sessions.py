"""Queries of browser sessions. Keys are stored as digests only."""

import hashlib
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from monitor.store.tables import WebSession

_LOAD = select(WebSession.value).where(
    WebSession.key == bindparam("digest"),
    or_(WebSession.expires_at.is_(None), WebSession.expires_at > bindparam("now")),
)


def load_session(connection: Connection, key: str, now: datetime) -> bytes | None:
    """Return the value of a session that has not expired, or ``None``."""
    return connection.execute(_LOAD, {"digest": _digest(key), "now": now}).scalar_one_or_none()


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
    """Return a value that never expires; the first one stored wins."""
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
    """Delete a session and return its value unless it has expired.

    Of two concurrent calls, one gets the value.
    """
    statement = (
        delete(WebSession)
        .where(WebSession.key == _digest(key), WebSession.expires_at > now)
        .returning(WebSession.value)
    )
    return connection.execute(statement).scalar_one_or_none()


def delete_session(connection: Connection, key: str) -> None:
    """Delete a session, which need not exist."""
    connection.execute(delete(WebSession).where(WebSession.key == _digest(key)))


def delete_expired(connection: Connection, now: datetime) -> int:
    """Delete all expired sessions and return their number."""
    result = connection.execute(delete(WebSession).where(WebSession.expires_at <= now))
    return int(result.rowcount)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
