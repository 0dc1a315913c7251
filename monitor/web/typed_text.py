"""Redaction of what users type, at the one place through which every request's body goes.

A handler reads no body that wasn't redacted. One with fields that are no texts names them with the
option ``unread_fields``. What was replaced is said in a header, in the JSON of the response, and,
where a form leads to a page, on that page.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import anyio.to_thread
import msgspec
from litestar import Request
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Empty, Message, Receive, Scope, Send

from monitor.traffic.redaction import Redactor
from monitor.traffic.redaction.typed_text import Replacement, count_kinds, redact_typed

#: Option of handlers: names of fields that are no texts. A password is one.
UNREAD = "unread_fields"
#: Fields of forms that no handler reads.
TECHNICAL = frozenset({"_csrf_token"})
#: Where the application keeps its redactor, and a request its replacements.
REDACTOR, REPLACEMENTS = "typed_text_redactor", "typed_text_replacements"
#: Header of responses, and parameter of pages: ``EMAIL.2-PHONE.1``.
HEADER, PARAMETER = "x-driftwarden-redacted", "redacted"
TOLD = re.compile(r"[A-Z][A-Z0-9_]{0,63}\.[0-9]{1,6}(?:-[A-Z][A-Z0-9_]{0,63}\.[0-9]{1,6}){0,63}")
#: Field of JSON responses.
JSON_FIELD = "redacted"


class TypedTextRequest(Request[Any, Any, Any]):
    """A request whose body is redacted before anything reads it."""

    async def body(self) -> bytes:
        """Return the body without personal data."""
        if self._connection_state.body is not Empty:
            return await super().body()
        raw = await super().body()
        redactor: Redactor | None = self.app.state.get(REDACTOR)
        if redactor is None or not raw:
            return raw
        unread = TECHNICAL.union(self.route_handler.opt.get(UNREAD, ()))
        # In a thread: a detector of names takes long.
        clean, replacements = await anyio.to_thread.run_sync(redact_body, raw, redactor, unread)
        self.scope["state"][REPLACEMENTS] = replacements
        self._body = self._connection_state.body = clean
        return clean


def redact_body(
    raw: bytes, redactor: Redactor, unread: frozenset[str]
) -> tuple[bytes, list[Replacement]]:
    """Return a body as it is to be read, and what was replaced in it.

    A handler may read JSON or a form whatever the content type says, so the content decides.
    """
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _redact_form(raw, redactor, unread)
    clean, replacements = redact_typed(document, redactor, unread=unread)
    return (msgspec.json.encode(clean), replacements) if replacements else (raw, [])


def _redact_form(
    raw: bytes, redactor: Redactor, unread: frozenset[str]
) -> tuple[bytes, list[Replacement]]:
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, separator="&")
    clean: list[tuple[str, str]] = []
    replacements: list[Replacement] = []
    for key, value in pairs:
        entry, matches = redact_typed({key: value}, redactor, unread=unread)
        clean += entry.items()
        replacements += matches
    return (urlencode(clean).encode(), replacements) if replacements else (raw, [])


class TellReplacements(ASGIMiddleware):
    """Middleware that tells in the response what was replaced in the request."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on, and add to its response."""
        start: Message | None = None
        body = b""

        async def tell(message: Message) -> None:
            nonlocal start, body
            replacements = scope["state"].get(REPLACEMENTS)
            if not replacements:
                await send(message)
            elif message["type"] == "http.response.start":
                if message["status"] < 400:  # else nothing is stored
                    _tell_in_headers(message, replacements)
                start = message
            elif message["type"] == "http.response.body" and start is not None:
                body += message["body"]
                if not message.get("more_body", False):
                    body = _tell_in_json(start, body, replacements)
                    await send(start)
                    await send({"type": "http.response.body", "body": body, "more_body": False})
            else:
                await send(message)

        await next_app(scope, receive, tell)


def _tell_in_headers(start: Message, replacements: list[Replacement]) -> None:
    kinds = sorted(count_kinds(replacements).items())
    summary = "-".join(f"{kind}.{n}" for kind, n in kinds)
    headers = MutableScopeHeaders.from_message(start)
    headers[HEADER] = summary
    if "location" in headers:
        parts = urlsplit(headers["location"])
        query = "&".join(filter(None, (parts.query, urlencode({PARAMETER: summary}))))
        headers["location"] = urlunsplit(parts._replace(query=query))


def _tell_in_json(start: Message, body: bytes, replacements: list[Replacement]) -> bytes:
    headers = MutableScopeHeaders.from_message(start)
    if HEADER not in headers or "json" not in headers.get("content-type", ""):
        return body
    document = msgspec.json.decode(body)
    if not isinstance(document, dict):
        return body
    document[JSON_FIELD] = [replacement.as_json() for replacement in replacements]
    body = msgspec.json.encode(document)
    headers["content-length"] = str(len(body))
    return body


def told_kinds(request: Request[Any, Any, Any]) -> list[tuple[str, int]]:
    """Return what was replaced in the form that led to a page, by kind."""
    summary = request.query_params.get(PARAMETER, "")
    if not TOLD.fullmatch(summary):
        return []
    return [(kind, int(n)) for kind, _, n in (part.partition(".") for part in summary.split("-"))]
