"""Headers and secrets that keep hostile text and hostile sites away from a session."""

import re
import secrets as random_secrets
from urllib.parse import unquote

from litestar.config.csrf import CSRFConfig
from sqlalchemy import Engine

from monitor.settings import Secrets, Settings
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
#: A report holds hostile text and inline scripts: it runs in an origin of its own, without cookies
#: and without a network.
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
#: A path with a query: nowhere two slashes in a row, no backslash, no control character.
LOCAL_TARGET = re.compile(
    r"/(?!/)(?:[\w.~!$&'()*+,;=:@%-]|/(?!/))*(?:\?[\w./~!$&'()*+,;=:@%?-]*)?", re.ASCII
)


def csrf_config(engine: Engine, settings: Settings, secrets: Secrets) -> CSRFConfig:
    """Return the protection of all unsafe methods.

    Without DRIFTWARDEN_SESSION_KEY a random key is made once and kept beside the sessions, so that
    an open page survives a restart.
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
    """Return a cookie's name; over HTTPS no other host, and no page over HTTP, can set it."""
    return f"__Host-{name}" if secure else name


def headers(*, secure: bool) -> dict[str, str]:
    """Return the headers that every answer carries unless it has its own."""
    return HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if secure else {})


def local_path(target: str) -> str:
    """Return a path of this site to go to after signing in; ``/`` where it is anything else.

    What would be another site after decoding is refused too: proxies decode.
    """
    decoded = target
    for _ in range(3):
        if not LOCAL_TARGET.fullmatch(decoded.partition("?")[0]):
            return "/"
        decoded = unquote(decoded)
    return target if LOCAL_TARGET.fullmatch(target) else "/"
