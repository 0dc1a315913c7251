"""Security headers, CSRF protection, cookie names and redirect targets."""

import re
import secrets as random_secrets
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote

from litestar.config.csrf import CSRFConfig
from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope
from sqlalchemy import Engine

from monitor.settings import Secrets, Sections
from monitor.store.accounts.sessions import load_or_create
from monitor.store.engine import transaction

CSRF_COOKIE = "driftwarden_csrf"
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
#: A report contains hostile text and inline scripts: it is sandboxed in an origin of its own,
#: without cookies and without network access.
REPORT_POLICY = "; ".join(
    (
        "sandbox allow-scripts",
        "default-src 'none'",
        "script-src 'unsafe-inline' 'unsafe-eval' blob: data:",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "font-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
#: A path with a query, without double slashes, backslashes and control characters.
LOCAL_TARGET = re.compile(
    r"/(?!/)(?:[\w.~!$&'()*+,;=:@%-]|/(?!/))*(?:\?[\w./~!$&'()*+,;=:@%?-]*)?", re.ASCII
)


def csrf_config(engine: Engine, settings: Sections, secrets: Secrets) -> CSRFConfig:
    """Return the CSRF protection of all unsafe methods.

    Without DRIFTWARDEN_SESSION_KEY a random key is created once and stored with the sessions, so
    that open pages survive a restart.
    """
    key = secrets.driftwarden_session_key.get_secret_value()
    if not key:
        fresh = random_secrets.token_hex(32).encode()
        with transaction(engine) as connection:
            key = load_or_create(connection, "csrf-key", fresh).decode()
    return CSRFConfig(
        secret=key,
        cookie_name=cookie_name(CSRF_COOKIE, secure=settings.web.secure_cookies),
        cookie_secure=settings.web.secure_cookies,
        cookie_httponly=True,
        cookie_samesite="lax",
    )


def cookie_name(name: str, *, secure: bool) -> str:
    """Return a cookie's name; with its prefix only this host can set it, over HTTPS."""
    return f"__Host-{name}" if secure else name


def headers(*, secure: bool) -> dict[str, str]:
    """Return the default headers of every response."""
    return HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if secure else {})


def add_security_headers(
    security_headers: Mapping[str, str],
) -> Callable[[Message, Scope], Awaitable[None]]:
    """Return a hook that adds the security headers to every response, errors included."""

    async def add_headers(message: Message, _scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        response_headers = MutableScopeHeaders.from_message(message)
        for name, value in security_headers.items():
            response_headers.setdefault(name, value)

    return add_headers


def local_path(target: str) -> str:
    """Return a redirect target if it is a path of this site, else ``/``.

    Targets that would be another site after decoding are refused too, because proxies decode.
    """
    decoded = target
    for _ in range(3):
        if not LOCAL_TARGET.fullmatch(decoded.partition("?")[0]):
            return "/"
        decoded = unquote(decoded)
    return target if LOCAL_TARGET.fullmatch(target) else "/"
