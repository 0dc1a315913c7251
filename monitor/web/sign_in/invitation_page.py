"""The page of a one-time link: set a password and sign in."""

from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Template
from sqlalchemy import Engine

from monitor.accounts.invitations import accept_link, check_link
from monitor.accounts.passwords import MIN_LENGTH
from monitor.accounts.sessions import start_session
from monitor.errors import InputError, LinkError
from monitor.settings import Sections
from monitor.store.engine import transaction
from monitor.web.access.audience import EVERYBODY
from monitor.web.access.recording import record_sign_in
from monitor.web.clock import Clock
from monitor.web.handlers import get, post
from monitor.web.sign_in.password_page import Form
from monitor.web.typed_text import UNREAD


@get("/welcome/{token:str}", opt=EVERYBODY)
def welcome_page(
    token: FromPath[str],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Sections],
    clock: NamedDependency[Clock],
) -> Template:
    """Show the form, or why the link is not valid; viewing doesn't use the link up."""
    _require_passwords(settings)
    try:
        with transaction(engine) as connection:
            link, user = check_link(connection, token, clock())
    except LinkError as error:
        return _refusal(error)
    return _form(link.expires_at, user.name)


@post("/welcome/{token:str}", opt=EVERYBODY | {UNREAD: ("username", "password", "repeated")})
def welcome_form(  # noqa: PLR0917 - Litestar passes them by name
    request: Request[Any, Any, Any],
    token: FromPath[str],
    data: Form,
    engine: NamedDependency[Engine],
    settings: NamedDependency[Sections],
    clock: NamedDependency[Clock],
) -> Template | Redirect:
    """Set the password and sign in."""
    _require_passwords(settings)
    now = clock()
    password = data.get("password", "")
    try:
        with transaction(engine) as connection:
            link, user = check_link(connection, token, now)
        if password != data.get("repeated", ""):
            return _form(link.expires_at, user.name, "The passwords differ.")
        accepted = accept_link(engine, token, password, now)
        record_sign_in(engine, clock, request, "signed_in", user=accepted)
        start_session(request, accepted, now)
    except LinkError as error:
        return _refusal(error)
    except InputError as error:
        return _form(link.expires_at, user.name, f"{str(error)[:1].upper()}{str(error)[1:]}.")
    return Redirect("/", status_code=303)


def _require_passwords(settings: Sections) -> None:
    if not settings.web.passwords:
        raise NotFoundException("sign-in by password is turned off")


def _form(until: Any, name: str, problem: str = "") -> Template:
    context = {"name": name, "until": until, "problem": problem, "min_length": MIN_LENGTH}
    context["refusal"] = ""
    return Template("welcome.html", context=context, status_code=400 if problem else 200)


def _refusal(error: LinkError) -> Template:
    return Template("welcome.html", context={"refusal": str(error)}, status_code=410)


HANDLERS = (welcome_page, welcome_form)
