"""Entries of the access log: a read is written before its response is sent, or it isn't sent."""

from datetime import timedelta
from typing import Any

import anyio.to_thread
from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from sqlalchemy import Engine

from monitor.errors import DriftwardenError
from monitor.store.access_log import (
    Access,
    AccessFilter,
    Action,
    append_access,
    list_accesses,
)
from monitor.store.accounts.users import UserRow, user_by_name
from monitor.store.engine import transaction
from monitor.web import error_pages
from monitor.web.access.audience import TEXTS, Texts
from monitor.web.access.peer import PEER
from monitor.web.clock import Clock
from monitor.web.current_user import OWNED

#: A page that stays open and refreshes itself is one read in this time.
REFRESHED_AFTER = timedelta(minutes=10)


#: Path parameters with the number of what is read; a request is of no model.
NUMBERED = {*OWNED, "request_id"}


class RecordReads(ASGIMiddleware):
    """Middleware that writes an entry for each response that shows texts of end users."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on; where the entry can't be written, respond without the texts."""
        is_refused = False

        async def record_first(message: Message) -> None:
            nonlocal is_refused
            if is_refused:  # the rest of the response that is not sent
                return
            if message["type"] == "http.response.start":
                access = self._access(scope, message["status"])
                if access is not None:
                    try:
                        await anyio.to_thread.run_sync(self._write, access, _is_refresh(scope))
                    except Exception as error:  # noqa: BLE001 - whatever it is, no text is sent
                        is_refused = True
                        await _respond(scope, receive, send, error)
                        return
            await send(message)

        await next_app(scope, receive, record_first)

    def _access(self, scope: Scope, status: int) -> Access | None:
        """Return the entry of a response; ``None`` where it shows no texts."""
        texts: Texts = scope["route_handler"].opt.get(TEXTS, Texts())
        state: dict[str, Any] = scope.get("state", {})
        user: UserRow | None = state.get("visitor")
        if not texts.kind or user is None or 300 <= status < 400 or state.get("is_refusal"):
            return None
        model = state.get("model") or ""
        if texts.is_for_leads and not user.is_lead_of(model):
            return None
        if not texts.is_in_refresh and _is_refresh(scope):
            return None
        parameters = scope["path_params"]
        return Access(
            occurred_at=self._clock(),
            source="web",
            actor=user.name,
            action="read",
            kind=texts.kind,
            object_id=next((str(id_) for key, id_ in parameters.items() if key in NUMBERED), ""),
            model=model,
            place=scope["path"],
            address=_address_of(scope),
            peer=str(scope.get(PEER, "")),
        )

    def _write(self, access: Access, is_refresh: bool) -> None:
        with transaction(self._engine) as connection:
            if is_refresh:
                search = AccessFilter(
                    actor=access.actor,
                    action="read",
                    kind=access.kind,
                    object_id=access.object_id,
                    address=access.address,
                    since=access.occurred_at - REFRESHED_AFTER,
                )
                rows = list_accesses(connection, search, 20)
                if any(row.place == access.place for row in rows):
                    return
            append_access(connection, access)


def record_sign_in(
    engine: Engine,
    clock: Clock,
    request: Request[Any, Any, Any],
    action: Action,
    *,
    user: UserRow | None = None,
    name: str = "",
) -> None:
    """Write that somebody signed in or out, or was refused.

    The path of the request may hold the token of a one-time link. The ``name`` that was typed is
    written if it is that of an account: it may be a password.
    """
    with transaction(engine) as connection:
        known = user or user_by_name(connection, name.strip())
        append_access(
            connection,
            Access(
                occurred_at=clock(),
                source="web",
                actor="" if known is None else known.name,
                action=action,
                place=request.scope.get("path_template", ""),
                address=_address_of(request.scope),
                peer=str(request.scope.get(PEER, "")),
            ),
        )


def _is_refresh(scope: Scope) -> bool:
    return any(name == b"hx-request" for name, _ in scope["headers"])


def _address_of(scope: Scope) -> str:
    """Return the client's address, as the trusted proxies name it."""
    client = scope.get("client")
    return client[0] if client else ""


async def _respond(scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    response = (
        error_pages.on_driftwarden_error(request, error)
        if isinstance(error, DriftwardenError)
        else error_pages.on_unexpected_error(request, error)
    )
    app = response.to_asgi_response(app=None, request=request)
    await app(scope, receive, send)
