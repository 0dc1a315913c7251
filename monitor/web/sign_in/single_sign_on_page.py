"""Signing in by the provider of ``[web.oidc]``: the way there, and the way back."""

import secrets as random_secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import Request, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery
from litestar.response import Redirect, Template
from sqlalchemy import Engine

from monitor.accounts.sessions import start_session
from monitor.accounts.sign_on.account_linking import user_of_claims
from monitor.accounts.sign_on.provider import OpenIdProvider, PendingSignOn
from monitor.errors import SignOnError, SignOnUnavailableError
from monitor.settings import Secrets, Settings
from monitor.store.accounts.sessions import delete_expired, pop_session, save_session
from monitor.store.engine import transaction
from monitor.telemetry import get_logger
from monitor.web.clock import Clock
from monitor.web.security import cookie_name, local_path
from monitor.web.sign_in.password_page import render_login

COOKIE = "driftwarden_sign_on"
PREFIX = "sign-on:"
CALLBACK = "/login/sso/callback"
#: How long one may take at the provider.
MAX_AGE = timedelta(minutes=10)

log = get_logger(__name__)


def connect(settings: Settings, secrets: Secrets) -> OpenIdProvider | None:
    """Return the configured provider, which isn't asked anything yet; ``None`` where there is none.

    Raises:
        ConfigurationError: One is configured, and Authlib isn't installed.
    """
    if not settings.web.oidc.issuer:
        return None
    secret = secrets.driftwarden_oidc_client_secret.get_secret_value()
    callback = settings.alerts.public_url.rstrip("/") + CALLBACK
    return OpenIdProvider(settings.web.oidc, secret, callback)


@get("/login/sso", sync_to_thread=True)
def begin(
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    clock: NamedDependency[Clock],
    provider: NamedDependency[OpenIdProvider | None],
    next: FromQuery[str] = "/",  # noqa: A002 - the name in the address
) -> Redirect | Template:
    """Send the browser to the provider, and remember what it must come back with."""
    target = local_path(next)
    pending = PendingSignOn.begin(target)
    try:
        address = _require(provider).authorization_url(pending)
    except (SignOnError, SignOnUnavailableError) as error:
        return _refusal(settings, target, error)
    key, now = random_secrets.token_urlsafe(32), clock()
    with transaction(engine) as connection:
        delete_expired(connection, now)
        value = msgspec.json.encode(pending)
        save_session(connection, PREFIX + key, value, now + MAX_AGE)
    return Redirect(address, status_code=303, cookies=[_cookie(settings, key)])


@get(CALLBACK, sync_to_thread=True)
def finish(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    clock: NamedDependency[Clock],
    provider: NamedDependency[OpenIdProvider | None],
) -> Redirect | Template:
    """Check what the browser comes back with, and begin a session."""
    source, now = _require(provider), clock()
    pending = _take(request, engine, settings, now)
    target = pending.target if pending else "/"
    try:
        pending, code = _check_answer(source, pending, request.query_params)
        claims = source.redeem_code(code, pending, now)
        with transaction(engine) as connection:
            user = user_of_claims(connection, settings.web.oidc, claims, now)
    except (SignOnError, SignOnUnavailableError) as refused:
        log.warning("single sign-on refused", reason=str(refused))
        return _refusal(settings, target, refused)
    start_session(request, user, now)
    return Redirect(local_path(target), status_code=303, cookies=[_cookie(settings, "")])


def _require(provider: OpenIdProvider | None) -> OpenIdProvider:
    if provider is None:
        raise NotFoundException("single sign-on isn't configured")
    return provider


def _take(
    request: Request[Any, Any, Any], engine: Engine, settings: Settings, now: datetime
) -> PendingSignOn | None:
    """Return the sign-in that this browser began; whatever follows, it can't be used again."""
    key = request.cookies.get(_cookie(settings, "").key, "")
    with transaction(engine) as connection:
        value = pop_session(connection, PREFIX + key, now)
    return None if value is None else msgspec.json.decode(value, type=PendingSignOn)


def _check_answer(
    provider: OpenIdProvider, pending: PendingSignOn | None, answer: Mapping[str, str]
) -> tuple[PendingSignOn, str]:
    """Return the sign-in that an answer belongs to, and the code in it."""
    if pending is None:
        raise SignOnError("this sign-in was finished already, or took too long; begin again")
    if not random_secrets.compare_digest(answer.get("state", "").encode(), pending.state.encode()):
        raise SignOnError("this answer belongs to another sign-in; begin again")
    if answer.get("iss", provider.issuer) != provider.issuer:
        raise SignOnError("this answer comes from another provider; begin again")
    if error := answer.get("error", ""):
        shown = error if error.isidentifier() and len(error) < 50 else "it doesn't say why"
        raise SignOnError(f"the provider didn't let you in ({shown})")
    if not answer.get("code"):
        raise SignOnError("the provider's answer holds no code; begin again")
    return pending, answer["code"]


def _refusal(
    settings: Settings, target: str, error: SignOnError | SignOnUnavailableError
) -> Template:
    away = isinstance(error, SignOnUnavailableError)
    problem = "The provider doesn't answer. Try again in a minute" if away else str(error)
    answer = render_login(
        settings,
        target,
        status=503 if away else 403,
        problem=f"{problem[:1].upper()}{problem[1:]}.",
    )
    answer.cookies.append(_cookie(settings, ""))
    return answer


def _cookie(settings: Settings, key: str) -> Cookie:
    """Return the cookie of a sign-in that has begun; with an empty key the one that removes it."""
    secure = settings.web.secure_cookies
    return Cookie(
        key=cookie_name(COOKIE, secure=secure),
        value=key,
        path="/",
        max_age=int(MAX_AGE.total_seconds()) if key else 0,
        secure=secure,
        httponly=True,
        samesite="lax",  # the way back comes from the provider's site
    )


HANDLERS = (begin, finish)
