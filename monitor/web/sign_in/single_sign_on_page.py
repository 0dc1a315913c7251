"""Single sign-on pages: the redirect to the provider of ``[web.oidc]`` and its callback."""

import secrets as random_secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import Request
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
from monitor.settings import Secrets, Sections
from monitor.store.accounts.sessions import delete_expired, pop_session, save_session
from monitor.store.engine import transaction
from monitor.telemetry import get_logger
from monitor.web.access.audience import EVERYBODY
from monitor.web.access.recording import record_sign_in
from monitor.web.clock import Clock
from monitor.web.handlers import get
from monitor.web.security import cookie_name, local_path
from monitor.web.sign_in.password_page import render_login

COOKIE = "driftwarden_sign_on"
PREFIX = "sign-on:"
CALLBACK = "/login/sso/callback"
#: How long a pending sign-in is valid.
MAX_AGE = timedelta(minutes=10)

log = get_logger(__name__)


def connect(settings: Sections, secrets: Secrets) -> OpenIdProvider | None:
    """Return the configured provider, without a request to it; ``None`` if none is configured.

    Raises:
        ConfigurationError: A provider is configured and Authlib isn't installed.
    """
    if not settings.web.oidc.issuer:
        return None
    secret = secrets.driftwarden_oidc_client_secret.get_secret_value()
    callback = settings.alerts.public_url.rstrip("/") + CALLBACK
    return OpenIdProvider(settings.web.oidc, secret, callback)


@get("/login/sso", opt=EVERYBODY)
def begin(
    engine: NamedDependency[Engine],
    settings: NamedDependency[Sections],
    clock: NamedDependency[Clock],
    provider: NamedDependency[OpenIdProvider | None],
    next: FromQuery[str] = "/",  # noqa: A002 - the name in the address
) -> Redirect | Template:
    """Redirect the browser to the provider and store the pending sign-in."""
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


@get(CALLBACK, opt=EVERYBODY)
def finish(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Sections],
    clock: NamedDependency[Clock],
    provider: NamedDependency[OpenIdProvider | None],
) -> Redirect | Template:
    """Validate the provider's callback and start a session."""
    active_provider, now = _require(provider), clock()
    pending = _take(request, engine, settings, now)
    target = pending.target if pending else "/"
    try:
        pending, code = _check_callback(active_provider, pending, request.query_params)
        claims = active_provider.redeem_code(code, pending, now)
        with transaction(engine) as connection:
            user = user_of_claims(connection, settings.web.oidc, claims, now)
    except (SignOnError, SignOnUnavailableError) as error:
        log.warning("single_sign_on_refused", reason=str(error))
        if isinstance(error, SignOnError):
            record_sign_in(engine, clock, request, "sign_in_refused")
        return _refusal(settings, target, error)
    record_sign_in(engine, clock, request, "signed_in", user=user)
    start_session(request, user, now)
    return Redirect(local_path(target), status_code=303, cookies=[_cookie(settings, "")])


def _require(provider: OpenIdProvider | None) -> OpenIdProvider:
    if provider is None:
        raise NotFoundException("single sign-on is not configured")
    return provider


def _take(
    request: Request[Any, Any, Any], engine: Engine, settings: Sections, now: datetime
) -> PendingSignOn | None:
    """Return the pending sign-in of this browser and delete it, so that it is used once."""
    key = request.cookies.get(_cookie(settings, "").key, "")
    with transaction(engine) as connection:
        value = pop_session(connection, PREFIX + key, now)
    return None if value is None else msgspec.json.decode(value, type=PendingSignOn)


def _check_callback(
    provider: OpenIdProvider, pending: PendingSignOn | None, parameters: Mapping[str, str]
) -> tuple[PendingSignOn, str]:
    """Return the pending sign-in of a callback, and its authorization code."""
    if pending is None:
        raise SignOnError("this sign-in was already finished or has expired; sign in again")
    if not random_secrets.compare_digest(
        parameters.get("state", "").encode(), pending.state.encode()
    ):
        raise SignOnError("this response belongs to another sign-in; sign in again")
    if parameters.get("iss", provider.issuer) != provider.issuer:
        raise SignOnError("this response comes from another provider; sign in again")
    if error := parameters.get("error", ""):
        code = error if error.isidentifier() and len(error) < 50 else "no valid error code"
        raise SignOnError(f"the provider refused the sign-in ({code})")
    if not parameters.get("code"):
        raise SignOnError("the provider's response has no authorization code; sign in again")
    return pending, parameters["code"]


def _refusal(
    settings: Sections, target: str, error: SignOnError | SignOnUnavailableError
) -> Template:
    unavailable = isinstance(error, SignOnUnavailableError)
    problem = "The provider is unavailable. Try again in a minute" if unavailable else str(error)
    page = render_login(
        settings,
        target,
        status=503 if unavailable else 403,
        problem=f"{problem[:1].upper()}{problem[1:]}.",
    )
    page.cookies.append(_cookie(settings, ""))
    return page


def _cookie(settings: Sections, key: str) -> Cookie:
    """Return the cookie of a pending sign-in; an empty key deletes the cookie."""
    secure = settings.web.secure_cookies
    return Cookie(
        key=cookie_name(COOKIE, secure=secure),
        value=key,
        path="/",
        max_age=int(MAX_AGE.total_seconds()) if key else 0,
        secure=secure,
        httponly=True,
        samesite="lax",  # the callback comes from the provider's site
    )


HANDLERS = (begin, finish)
