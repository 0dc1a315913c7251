"""Sign-in by password, and sign-out."""

from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException, TooManyRequestsException
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Engine

from monitor.accounts.authentication import authenticate
from monitor.accounts.sessions import end_session, start_session
from monitor.accounts.throttle import SignInThrottle
from monitor.settings import Sections
from monitor.store.accounts.users import UserRow, list_users
from monitor.store.engine import transaction
from monitor.telemetry import get_logger
from monitor.web.access.audience import EVERYBODY
from monitor.web.access.recording import record_sign_in
from monitor.web.clock import Clock
from monitor.web.handlers import form, get, post
from monitor.web.security import local_path
from monitor.web.typed_text import UNREAD

Form = URLEncodedBody[dict[str, str]]

log = get_logger(__name__)


def check_password(
    request: Request[Any, Any, Any],
    engine: Engine,
    settings: Sections,
    clock: Clock,
    *,
    name: str,
    password: str,
) -> UserRow | None:
    """Return the user if name and password match, else record the refusal and return ``None``.

    Raises:
        PermissionDeniedException: Sign-in by password is turned off.
        TooManyRequestsException: The name or address has failed too often and has to wait.
    """
    if not settings.web.passwords:
        raise PermissionDeniedException("sign-in by password is turned off")
    address = request.client.host if request.client else ""
    throttle = SignInThrottle(engine)
    wait = throttle.begin_attempt(name, address, clock())
    if wait > 0:
        raise TooManyRequestsException(
            f"too many failed sign-ins; try again in {wait:.0f} seconds",
            headers={"Retry-After": f"{wait:.0f}"},
        )
    user = authenticate(engine, name, password)
    if user is None:
        log.warning("sign_in_refused", address=address)
        record_sign_in(engine, clock, request, "sign_in_refused", name=name)
        return None
    throttle.record_success(name, address)
    return user


def sign_in(
    request: Request[Any, Any, Any],
    engine: Engine,
    settings: Sections,
    clock: Clock,
    *,
    name: str,
    password: str,
) -> UserRow | None:
    """Start a session if name and password match, and return the user, else ``None``.

    Raises:
        PermissionDeniedException: Sign-in by password is turned off.
        TooManyRequestsException: The name or address has failed too often and has to wait.
    """
    user = check_password(request, engine, settings, clock, name=name, password=password)
    if user is not None:
        record_sign_in(engine, clock, request, "signed_in", user=user)
        start_session(request, user, clock())
    return user


def render_login(
    settings: Sections,
    target: str,
    *,
    status: int = 200,
    problem: str = "",
    name: str = "",
    no_users: bool = False,
) -> Template:
    """Render the sign-in page, with a problem if there is one."""
    context = {
        "next": target,
        "name": name,
        "no_users": no_users,
        "problem": problem,
        "passwords": settings.web.passwords,
        "provider": settings.web.oidc.label if settings.web.oidc.issuer else "",
    }
    return Template("login.html", context=context, status_code=status)


@get("/login", opt=EVERYBODY)
def login_page(
    engine: NamedDependency[Engine],
    settings: NamedDependency[Sections],
    visitor: NamedDependency[UserRow | None],
    next: FromQuery[str] = "/",  # noqa: A002 - the name in the address
) -> Template | Redirect:
    """Show the sign-in form."""
    if visitor is not None:
        return Redirect(local_path(next), status_code=303)
    with transaction(engine) as connection:
        no_users = not list_users(connection)
    return render_login(settings, local_path(next), no_users=no_users)


@post("/login", opt=EVERYBODY | {UNREAD: ("name", "password", "next")})
def login_form(
    request: Request[Any, Any, Any],
    data: Form,
    engine: NamedDependency[Engine],
    settings: NamedDependency[Sections],
    clock: NamedDependency[Clock],
) -> Template | Redirect:
    """Sign in and redirect to the target."""
    name, password = data.get("name", ""), data.get("password", "")
    target = local_path(data.get("next", "/"))
    status, problem = 401, "Wrong name or password."
    try:
        if sign_in(request, engine, settings, clock, name=name, password=password):
            return Redirect(target, status_code=303)
    except TooManyRequestsException as error:
        status, problem = 429, f"{error.detail[:1].upper()}{error.detail[1:]}."
    return render_login(settings, target, status=status, problem=problem, name=name[:200])


@form("/logout", opt=EVERYBODY)
def logout(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
    visitor: NamedDependency[UserRow | None],
) -> Redirect:
    """Sign out, even where the access log can't be written."""
    if visitor is not None:
        try:
            record_sign_in(engine, clock, request, "signed_out", user=visitor)
        except Exception as error:  # noqa: BLE001 - nothing keeps a user from signing out
            log.warning("sign_out_not_recorded", reason=type(error).__name__)
    end_session(request)
    return Redirect("/login", status_code=303)
