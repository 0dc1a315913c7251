"""Sessions in SQL: a store and a backend for Litestar's session middleware."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import anyio.to_thread
import msgspec
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.middleware.session.server_side import (
    ServerSideSessionBackend,
    ServerSideSessionConfig,
)
from litestar.stores.base import Store
from litestar.types import Message, ScopeSession
from sqlalchemy import Engine

from monitor.errors import TransientError
from monitor.store.accounts.invitations import delete_old_invitations
from monitor.store.accounts.sessions import (
    delete_expired,
    delete_session,
    load_session,
    save_session,
)
from monitor.store.accounts.users import UserRow, user_by_id
from monitor.store.engine import transaction

COOKIE = "driftwarden_session"
#: Sessions share a table with other secrets, whose keys don't match: no cookie reads those.
SESSION_ID = re.compile(r"[\w-]{32,128}", re.ASCII)
#: A session expires this long after it was last written; it is written at least once a day.
MAX_AGE = timedelta(days=7)
REWRITE_AFTER = timedelta(hours=12)
RENEW = "driftwarden_renew_session"
#: Where a request keeps the user of its session, active or not; absent without one.
USER = "driftwarden_user"
#: Pages that show no data: the runbooks are read while the database is unavailable.
WITHOUT_DATABASE = "/runbooks"


class SqlSessionStore(Store):
    """Litestar's key-value store over the table ``web_sessions``."""

    __slots__ = ("_clock", "_engine")

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    async def set(
        self, key: str, value: str | bytes, expires_in: int | timedelta | None = None
    ) -> None:
        """Write a value and delete expired ones."""
        await anyio.to_thread.run_sync(self._set, key, value, expires_in)

    async def get(self, key: str, renew_for: int | timedelta | None = None) -> bytes | None:
        """Return a value that has not expired, or ``None``."""
        value = await anyio.to_thread.run_sync(self._get, key)
        if value is not None and renew_for is not None:
            await self.set(key, value, renew_for)
        return value

    async def delete(self, key: str) -> None:
        """Delete a value."""
        await anyio.to_thread.run_sync(self._delete, key)

    async def delete_all(self) -> None:
        """Refuse to sign out all users at once: nothing needs it."""
        raise NotImplementedError

    async def exists(self, key: str) -> bool:
        """Return whether a value exists."""
        return await self.get(key) is not None

    async def expires_in(self, key: str) -> int | None:  # noqa: ARG002 - the interface
        """Return ``None``: Litestar's sessions never call this."""
        return None

    def _set(self, key: str, value: str | bytes, expires_in: int | timedelta | None) -> None:
        now = self._clock()
        if isinstance(expires_in, int):
            expires_in = timedelta(seconds=expires_in)
        raw = value.encode() if isinstance(value, str) else value
        with transaction(self._engine) as connection:
            delete_expired(connection, now)
            delete_old_invitations(connection, now)
            save_session(connection, key, raw, now + expires_in if expires_in else None)

    async def open(self, key: str) -> tuple[dict[str, Any], UserRow | None]:
        """Return the values of a session that has not expired, and its user."""
        return await anyio.to_thread.run_sync(self._open, key)

    def _get(self, key: str) -> bytes | None:
        if not SESSION_ID.fullmatch(key):
            return None
        with transaction(self._engine) as connection:
            return load_session(connection, key, self._clock())

    def _open(self, key: str) -> tuple[dict[str, Any], UserRow | None]:
        if not SESSION_ID.fullmatch(key):
            return {}, None
        with transaction(self._engine) as connection:
            value = load_session(connection, key, self._clock())
            session = {} if value is None else msgspec.json.decode(value)
            user_id = session.get("user_id")
            return session, None if user_id is None else user_by_id(connection, user_id)

    def _delete(self, key: str) -> None:
        with transaction(self._engine) as connection:
            delete_session(connection, key)


class SessionBackend(ServerSideSessionBackend):
    """Litestar's backend without a write per request and with a new id at each sign-in.

    An id in the browser's cookie that the store doesn't know is never adopted, so that planting a
    cookie gains an attacker nothing (session fixation).
    """

    async def load_from_connection(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> dict[str, Any]:
        """Load the session and, for the request to keep, its user.

        A page without data is shown to a visitor if the database is away.
        """
        session_id = connection.cookies.get(self.config.key)
        store = self.config.get_store_from_app(connection.scope["app"])
        if not session_id or not isinstance(store, SqlSessionStore):
            return {}
        try:
            session, connection.scope["state"][USER] = await store.open(session_id)
        except TransientError:
            if connection.url.path.startswith(WITHOUT_DATABASE):
                return {}
            raise
        return session

    async def store_in_message(
        self,
        scope_session: ScopeSession,
        message: Message,
        connection: ASGIConnection[Any, Any, Any, Any],
    ) -> None:
        """Write a changed session and set its cookie."""
        store = self.config.get_store_from_app(connection.scope["app"])
        cookie_id = connection.cookies.get(self.config.key)
        data = scope_session if isinstance(scope_session, dict) else {}
        renew = connection.scope["state"].get(RENEW, False)
        if not data:
            if cookie_id and renew:
                await self.delete(cookie_id, store)
                self._set_cookie(message, "null", max_age=0)
            return
        if not renew:
            return
        if cookie_id:
            await self.delete(cookie_id, store)
        session_id = self.generate_session_id()
        await self.set(session_id, self.serialize_data(data, connection.scope), store)
        self._set_cookie(message, session_id, max_age=int(MAX_AGE.total_seconds()))

    def _set_cookie(self, message: Message, value: str, *, max_age: int) -> None:
        cookie = Cookie(
            key=self.config.key,
            value=value,
            path="/",
            max_age=max_age,
            secure=self.config.secure,
            httponly=True,
            samesite="lax",  # strict would sign out whoever follows a link from Slack
        )
        headers = MutableScopeHeaders.from_message(message)
        headers.add("Set-Cookie", cookie.to_header(header=""))


class SessionConfig(ServerSideSessionConfig):
    """Litestar's session configuration with this backend."""

    _backend_class = SessionBackend


def start_session(
    connection: ASGIConnection[Any, Any, Any, Any], user: UserRow, now: datetime
) -> None:
    """Start a session under a new id and end the previous one."""
    values = {"user_id": user.id, "epoch": user.session_epoch, "since": now.timestamp()}
    connection.set_session(values)
    connection.scope["state"][RENEW] = True


def end_session(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """End a session, in the store as well as in the browser."""
    connection.set_session({})
    connection.scope["state"][RENEW] = True


def is_stale(since: datetime, now: datetime) -> bool:
    """Return whether to renew a session, so that daily users stay signed in."""
    return now - since > REWRITE_AFTER
