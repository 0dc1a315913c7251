"""Signing in by password, and out."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException, TooManyRequestsException
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Engine

from monitor.accounts.registration import check_password
from monitor.accounts.sessions import end_session, start_session
from monitor.accounts.throttle import SignInThrottle
from monitor.settings import Settings
from monitor.store.accounts.users import UserRow, list_users
from monitor.store.engine import transaction
from monitor.telemetry import get_logger
from monitor.web.clock import Clock
from monitor.web.security import local_path

Form = URLEncodedBody[dict[str, str]]

log = get_logger(__name__)


def sign_in(
    request: Request[Any, Any, Any],
    engine: Engine,
    settings: Settings,
    clock: Clock,
    *,
    name: str,
    password: str,
) -> UserRow | None:
    """Check a password and begin a session; return ``None`` where it is wrong.

    Raises:
        PermissionDeniedException: Passwords are turned off.
        TooManyRequestsException: This name or address has failed too often and has to wait.
    """
    if not settings.web.passwords:
        raise PermissionDeniedException("passwords are turned off here")
    address = request.client.host if request.client else ""
    throttle = SignInThrottle(engine)
    wait = throttle.begin_attempt(name, address, clock())
    if wait > 0:
        raise TooManyRequestsException(
            f"too many attempts; try again in {wait:.0f} seconds",
            headers={"Retry-After": f"{wait:.0f}"},
        )
    user = check_password(engine, name, password)
    if user is None:
        log.warning("sign-in refused", address=address)
        return None
    throttle.record_success(name, address)
    start_session(request, user, clock())
    return user


def render_login(
    settings: Settings, target: str, *, status: int = 200, problem: str = "", **context: Any
) -> Template:
    """Return the page to sign in on, with what went wrong."""
    context |= {
        "next": target,
        "problem": problem,
        "passwords": settings.web.passwords,
        "provider": settings.web.oidc.label if settings.web.oidc.issuer else "",
    }
    return Template("login.html", context=context, status_code=status)


@get("/login", sync_to_thread=True)
def login_page(
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    visitor: NamedDependency[UserRow | None],
    next: FromQuery[str] = "/",  # noqa: A002 - the name in the address
) -> Template | Redirect:
    """Show the form."""
    if visitor is not None:
        return Redirect(local_path(next), status_code=303)
    with transaction(engine) as connection:
        nobody = not list_users(connection)
    return render_login(settings, local_path(next), nobody=nobody)


@post("/login", status_code=200, sync_to_thread=True)
def login_form(
    request: Request[Any, Any, Any],
    data: Form,
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    clock: NamedDependency[Clock],
) -> Template | Redirect:
    """Sign in, and go where the person wanted to go."""
    name, password = data.get("name", ""), data.get("password", "")
    target = local_path(data.get("next", "/"))
    status, problem = 401, "Name or password is wrong."
    try:
        if sign_in(request, engine, settings, clock, name=name, password=password):
            return Redirect(target, status_code=303)
    except TooManyRequestsException as error:
        status, problem = 429, f"{error.detail[:1].upper()}{error.detail[1:]}."
    return render_login(settings, target, status=status, problem=problem, name=name[:200])


@post("/logout", status_code=303, sync_to_thread=False)
def logout(request: Request[Any, Any, Any]) -> Redirect:
    """Sign out."""
    end_session(request)
    return Redirect("/login", status_code=303)
