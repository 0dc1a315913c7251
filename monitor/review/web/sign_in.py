"""Signing in and out."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import TooManyRequestsException
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Engine

from monitor.review.accounts import check_password
from monitor.review.web.clock import Clock
from monitor.review.web.security import local_path
from monitor.review.web.session_store import end_session, start_session
from monitor.review.web.throttle import LoginThrottle
from monitor.store.engine import transaction
from monitor.store.reviewers import ReviewerRow, list_reviewers
from monitor.telemetry import get_logger

Form = URLEncodedBody[dict[str, str]]

log = get_logger(__name__)


def sign_in(
    request: Request[Any, Any, Any],
    engine: Engine,
    clock: Clock,
    throttle: LoginThrottle,
    *,
    name: str,
    password: str,
) -> ReviewerRow | None:
    """Check a password and begin a session; return ``None`` where it is wrong.

    Raises:
        TooManyRequestsException: This name or address has failed too often and has to wait.
    """
    address = request.client.host if request.client else ""
    wait = throttle.wait_seconds(name, address)
    if wait > 0:
        raise TooManyRequestsException(
            f"too many attempts; try again in {wait:.0f} seconds",
            headers={"Retry-After": f"{wait:.0f}"},
        )
    with transaction(engine) as connection:
        person = check_password(connection, name, password)
    if person is None:
        throttle.note_failure(name, address)
        log.warning("sign-in refused", address=address)
        return None
    throttle.note_success(name, address)
    start_session(request, reviewer_id=person.id, since=clock().timestamp())
    return person


@get("/login", sync_to_thread=True)
def login_page(
    engine: NamedDependency[Engine],
    visitor: NamedDependency[ReviewerRow | None],
    next: FromQuery[str] = "/",  # noqa: A002 - the name in the address
) -> Template | Redirect:
    """Show the form."""
    if visitor is not None:
        return Redirect(local_path(next), status_code=303)
    with transaction(engine) as connection:
        nobody = not list_reviewers(connection)
    return Template("login.html", context={"next": local_path(next), "nobody": nobody})


@post("/login", status_code=200, sync_to_thread=True)
def login_form(
    request: Request[Any, Any, Any],
    data: Form,
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
    throttle: NamedDependency[LoginThrottle],
) -> Template | Redirect:
    """Sign in, and go where the person wanted to go."""
    name, password = data.get("name", ""), data.get("password", "")
    target = local_path(data.get("next", "/"))
    status, problem = 401, "Name or password is wrong."
    try:
        if sign_in(request, engine, clock, throttle, name=name, password=password):
            return Redirect(target, status_code=303)
    except TooManyRequestsException as error:
        status, problem = 429, f"{error.detail[:1].upper()}{error.detail[1:]}."
    context = {"next": target, "problem": problem, "name": name[:200]}
    return Template("login.html", context=context, status_code=status)


@post("/logout", status_code=303, sync_to_thread=False)
def logout(request: Request[Any, Any, Any]) -> Redirect:
    """Sign out."""
    end_session(request)
    return Redirect("/login", status_code=303)
