"""The pages of those who manage people: invite, change, let in no longer, give a new link."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import PermissionDeniedException
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Engine

from monitor.accounts import users
from monitor.accounts.invitations import OneTimeLink
from monitor.accounts.users import Manager
from monitor.errors import InputError, NotFoundError, WorkflowError
from monitor.settings import Settings
from monitor.store.accounts.users import UserRow
from monitor.store.engine import transaction
from monitor.web.clock import Clock
from monitor.web.users.user_view import choices, list_views, view_user

#: A field that is there more than once comes as a list.
Fields = URLEncodedBody[dict[str, Any]]


@dataclass(frozen=True)
class Desk:
    """What each of these pages needs; only those who manage people get one."""

    viewer: UserRow
    engine: Engine
    settings: Settings
    now: datetime

    @property
    def manager(self) -> Manager:
        """Who asks for a change."""
        return Manager.of(self.viewer)

    @property
    def link_days(self) -> float | None:
        """How long a link works; ``None`` where nobody signs in by password."""
        return (
            self.settings.web.invitation_lifetime.total_seconds() / 86_400
            if self.settings.web.passwords
            else None
        )

    def show(self, link: OneTimeLink | None) -> dict[str, Any]:
        """Return a link as the page shows it: once, in this answer."""
        if link is None:
            return {}
        address = link.address(self.settings.alerts.public_url)
        return {"link": address, "until": link.expires_at}


def _desk(
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    clock: NamedDependency[Clock],
) -> Desk:
    if not user.manages_users:
        raise PermissionDeniedException("this is for leads and admins")
    return Desk(user, engine, settings, clock())


@get("/", sync_to_thread=True)
def list_page(desk: NamedDependency[Desk]) -> Template:
    """List everybody, with a form to invite one more."""
    return _list(desk)


@post("/", status_code=200, sync_to_thread=True)
def invite(desk: NamedDependency[Desk], data: Fields) -> Template:
    """Invite somebody. The link is in the answer: it is shown once and stored nowhere."""
    given = {key: _text(data, key) for key in ("name", "email", "role")}
    try:
        with transaction(desk.engine) as connection:
            link = users.invite(
                connection, desk.manager, **given, task_types=_task_types(data), now=desk.now,
                days=desk.link_days,
            )  # fmt: skip
    except (InputError, WorkflowError) as error:
        return _list(desk, status=400, problem=str(error), given=given)
    return _list(desk, invited=given["name"].strip(), **desk.show(link))


@get("/{user_id:int}", sync_to_thread=True)
def person_page(user_id: FromPath[int], desk: NamedDependency[Desk]) -> Template:
    """Show a person, with what may be changed."""
    return _person(desk, user_id)


@post("/{user_id:int}/role", status_code=303, sync_to_thread=True)
def change_role(
    user_id: FromPath[int], desk: NamedDependency[Desk], data: Fields
) -> Template | Redirect:
    """Give the person another role."""
    try:
        with transaction(desk.engine) as connection:
            users.change_role(connection, desk.manager, user_id, _text(data, "role"), desk.now)
    except (InputError, WorkflowError) as error:
        return _refused(desk, user_id, error)
    return _back(user_id)


@post("/{user_id:int}/task-types", status_code=303, sync_to_thread=True)
def assign(
    user_id: FromPath[int], desk: NamedDependency[Desk], data: Fields
) -> Template | Redirect:
    """Put the person on some task types, or with none on all of them."""
    try:
        with transaction(desk.engine) as connection:
            users.assign(connection, desk.manager, user_id, _task_types(data), desk.now)
    except (InputError, WorkflowError) as error:
        return _refused(desk, user_id, error)
    return _back(user_id)


@post("/{user_id:int}/deactivate", status_code=303, sync_to_thread=True)
def deactivate(user_id: FromPath[int], desk: NamedDependency[Desk]) -> Template | Redirect:
    """Let the person in no longer."""
    try:
        with transaction(desk.engine) as connection:
            users.deactivate(connection, desk.manager, user_id, desk.now)
    except WorkflowError as error:
        return _refused(desk, user_id, error)
    return _back(user_id)


@post("/{user_id:int}/reactivate", status_code=303, sync_to_thread=True)
def reactivate(user_id: FromPath[int], desk: NamedDependency[Desk]) -> Template | Redirect:
    """Let the person in again."""
    try:
        with transaction(desk.engine) as connection:
            users.reactivate(connection, desk.manager, user_id, desk.now)
    except WorkflowError as error:
        return _refused(desk, user_id, error)
    return _back(user_id)


@post("/{user_id:int}/link", status_code=200, sync_to_thread=True)
def reset_password(user_id: FromPath[int], desk: NamedDependency[Desk]) -> Template:
    """End the person's password and sessions, and show a link to set a new one."""
    try:
        with transaction(desk.engine) as connection:
            link = users.reset_password(
                connection, desk.manager, user_id, now=desk.now, days=desk.link_days
            )
    except WorkflowError as error:
        return _refused(desk, user_id, error)
    return _person(desk, user_id, reset=True, **desk.show(link))


def _list(desk: Desk, *, status: int = 200, **context: Any) -> Template:
    with transaction(desk.engine) as connection:
        context["people"] = list_views(connection, desk.viewer, desk.now)
        context["choices"] = choices(connection, desk.viewer)
    context |= {"user": desk.viewer, "passwords": desk.settings.web.passwords}
    return Template("users.html", context=context, status_code=status)


def _person(desk: Desk, user_id: int, *, status: int = 200, **context: Any) -> Template:
    with transaction(desk.engine) as connection:
        context["one"] = view_user(connection, desk.viewer, user_id, desk.now)
        context["choices"] = choices(connection, desk.viewer)
    context |= {"user": desk.viewer, "passwords": desk.settings.web.passwords}
    return Template("user.html", context=context, status_code=status)


def _refused(desk: Desk, user_id: int, error: InputError | WorkflowError) -> Template:
    if isinstance(error, NotFoundError):
        raise error
    return _person(desk, user_id, status=409, problem=str(error))


def _back(user_id: int) -> Redirect:
    return Redirect(f"/users/{user_id}", status_code=303)


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key, "")
    return str(value[-1] if isinstance(value, list) and value else value or "")


def _task_types(data: dict[str, Any]) -> list[str]:
    """Return the boxes that were ticked, and what was typed behind commas."""
    ticked = data.get("task_type", [])
    chosen = [str(one) for one in ticked] if isinstance(ticked, list) else [str(ticked)]
    return [*chosen, *_text(data, "other_task_types").split(",")]


router = Router(
    "/users",
    route_handlers=[
        list_page,
        invite,
        person_page,
        change_role,
        assign,
        deactivate,
        reactivate,
        reset_password,
    ],
    dependencies={"desk": Provide(_desk, sync_to_thread=False)},
)
