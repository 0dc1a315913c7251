"""The page of a user's own account: a new password, the end of other sessions."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.exceptions import TooManyRequestsException
from litestar.params import FromQuery
from litestar.response import Redirect, Template
from sqlalchemy import Engine

from monitor.accounts.own_account import change_password, end_sessions
from monitor.accounts.passwords import MIN_LENGTH
from monitor.accounts.sessions import start_session
from monitor.errors import InputError
from monitor.settings import Sections
from monitor.store.accounts.users import UserRow
from monitor.web.access.audience import NO_FINDINGS, USERS
from monitor.web.clock import Clock
from monitor.web.handlers import form
from monitor.web.sign_in.password_page import Form, check_password
from monitor.web.typed_text import UNREAD

#: What the page says after a step, by the name of the step in its address.
DONE = {
    "password": "Your password is changed. Your other sessions have ended.",
    "sessions": "Your other sessions have ended.",
}


@get("/account", sync_to_thread=False, opt=USERS | NO_FINDINGS)
def account_page(
    user: NamedDependency[UserRow],
    settings: NamedDependency[Sections],
    is_blind: NamedDependency[bool],
    done: FromQuery[str] = "",
) -> Template:
    """Show the user's account, with a form for a new password where there is one."""
    return _render(user, settings, is_blind, done=DONE.get(done, ""))


@form(
    "/account/password",
    opt=USERS | NO_FINDINGS | {UNREAD: ("username", "old_password", "password", "repeated")},
)
def password_form(  # noqa: PLR0917 - Litestar passes them by name
    request: Request[Any, Any, Any],
    data: Form,
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Sections],
    clock: NamedDependency[Clock],
    is_blind: NamedDependency[bool],
) -> Template | Redirect:
    """Change the password, and go on in a new session."""
    old, new = data.get("old_password", ""), data.get("password", "")
    if new != data.get("repeated", ""):
        return _render(user, settings, is_blind, status=400, problem="the new passwords differ")
    try:
        checked = check_password(request, engine, settings, clock, name=user.name, password=old)
        if checked is None:
            return _render(
                user, settings, is_blind, status=400, problem="the old password is wrong"
            )
        changed = change_password(engine, checked, old, new, clock())
    except TooManyRequestsException as error:
        return _render(user, settings, is_blind, status=429, problem=error.detail)
    except InputError as error:
        return _render(user, settings, is_blind, status=400, problem=str(error))
    start_session(request, changed, clock())
    return Redirect("/account?done=password", status_code=303)


@form("/account/sessions", opt=USERS | NO_FINDINGS)
def end_other_sessions(
    request: Request[Any, Any, Any],
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Redirect:
    """End all sessions of the user, and go on in a new one."""
    now = clock()
    start_session(request, end_sessions(engine, user, now), now)
    return Redirect("/account?done=sessions", status_code=303)


def _render(
    user: UserRow,
    settings: Sections,
    is_blind: bool,
    *,
    status: int = 200,
    problem: str = "",
    done: str = "",
) -> Template:
    context = {
        "user": user,
        "is_blind": is_blind,
        "passwords": settings.web.passwords,
        "provider": settings.web.oidc.label if settings.web.oidc.issuer else "",
        "min_length": MIN_LENGTH,
        "problem": problem,
        "done": done,
    }
    return Template("account.html", context=context, status_code=status)


HANDLERS = (account_page, password_form, end_other_sessions)
