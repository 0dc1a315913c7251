"""Pages for managing users: invitations, roles on models, task types, deactivation, new links."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from litestar import Router
from litestar.di import NamedDependency, Provide
from litestar.exceptions import PermissionDeniedException
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template

from monitor.accounts import users
from monitor.accounts.invitations import OneTimeLink
from monitor.accounts.users import Actor
from monitor.errors import InputError, NotFoundError, WorkflowError
from monitor.store.accounts.grants import ALL_MODELS
from monitor.web.access.audience import LEADS, NO_FINDINGS, WORDS
from monitor.web.current_user import Visit
from monitor.web.forms.fields import text_of
from monitor.web.handlers import form, get, post
from monitor.web.typed_text import UNREAD
from monitor.web.users.user_view import list_user_views, load_choices, view_user

#: A repeated field is a list.
Fields = URLEncodedBody[dict[str, Any]]


@dataclass(frozen=True)
class Management(Visit):
    """A visit of a user who manages users."""

    @property
    def actor(self) -> Actor:
        """The author of changes."""
        return Actor.from_user(self.user)

    @property
    def link_lifetime(self) -> timedelta | None:
        """Lifetime of a link; ``None`` without sign-in by password."""
        web = self.settings.web
        return web.invitation_lifetime if web.passwords else None

    def link_context(self, link: OneTimeLink | None) -> dict[str, Any]:
        """Return the template context of a link, which is shown in this response only."""
        if link is None:
            return {"link": "", "until": None}
        address = link.address(self.settings.alerts.public_url)
        return {"link": address, "until": link.expires_at}


def _management(visit: NamedDependency[Visit]) -> Management:
    if not visit.user.manages_users:
        raise PermissionDeniedException("this page is for leads and admins")
    return Management(**{field.name: getattr(visit, field.name) for field in fields(visit)})


@get("/", opt=LEADS | NO_FINDINGS | WORDS)
def list_page(management: NamedDependency[Management]) -> Template:
    """List all users, with an invitation form."""
    return _render_users(management)


@post("/", opt=LEADS | NO_FINDINGS | WORDS | {UNREAD: ("name", "email")})
def invite(management: NamedDependency[Management], data: Fields) -> Template:
    """Invite a user. The link is in this response only: it is not stored."""
    values = {key: text_of(data, key) for key in ("name", "email", "role")}
    try:
        with management.transaction() as connection:
            link = users.invite(
                connection,
                management.actor,
                **values,
                models=_models(data),
                task_types=_task_types(data),
                now=management.now,
                link_lifetime=management.link_lifetime,
            )
    except (InputError, WorkflowError) as error:
        return _render_users(management, status=400, problem=str(error), values=values)
    return _render_users(
        management, invited=values["name"].strip(), **management.link_context(link)
    )


@get("/{user_id:int}", opt=LEADS | NO_FINDINGS | WORDS)
def user_page(user_id: FromPath[int], management: NamedDependency[Management]) -> Template:
    """Show a user, with forms for the changes that are allowed."""
    return _render_user(management, user_id)


@form("/{user_id:int}/role", opt=LEADS | NO_FINDINGS)
def change_role(
    user_id: FromPath[int], management: NamedDependency[Management], data: Fields
) -> Template | Redirect:
    """Give the user a role on a model, or on all models."""
    return _change(
        management, user_id, users.change_role, text_of(data, "role"), model=_model(data)
    )


@form("/{user_id:int}/revoke", opt=LEADS | NO_FINDINGS)
def revoke_role(
    user_id: FromPath[int], management: NamedDependency[Management], data: Fields
) -> Template | Redirect:
    """Take the user's own role on a model, or that on all models."""
    return _change(management, user_id, users.revoke_role, model=_model(data))


@form("/{user_id:int}/task-types", opt=LEADS | NO_FINDINGS)
def assign_task_types(
    user_id: FromPath[int], management: NamedDependency[Management], data: Fields
) -> Template | Redirect:
    """Set the task types of the user's role on a model; none means all."""
    return _change(
        management, user_id, users.assign_task_types, _task_types(data), model=_model(data)
    )


@form("/{user_id:int}/slack", opt=LEADS | NO_FINDINGS | {UNREAD: ("slack_user_id",)})
def link_slack(
    user_id: FromPath[int], management: NamedDependency[Management], data: Fields
) -> Template | Redirect:
    """Link the user to an id at Slack; an empty one unlinks."""
    return _change(management, user_id, users.link_slack, text_of(data, "slack_user_id"))


@form("/{user_id:int}/deactivate", opt=LEADS | NO_FINDINGS)
def deactivate(
    user_id: FromPath[int], management: NamedDependency[Management]
) -> Template | Redirect:
    """Deactivate the user."""
    return _change(management, user_id, users.deactivate)


@form("/{user_id:int}/reactivate", opt=LEADS | NO_FINDINGS)
def reactivate(
    user_id: FromPath[int], management: NamedDependency[Management]
) -> Template | Redirect:
    """Reactivate the user."""
    return _change(management, user_id, users.reactivate)


@post("/{user_id:int}/link", opt=LEADS | NO_FINDINGS | WORDS)
def reset_password(user_id: FromPath[int], management: NamedDependency[Management]) -> Template:
    """Remove the user's password and sessions, and show a link to set a password."""
    try:
        with management.transaction() as connection:
            link = users.reset_password(
                connection,
                management.actor,
                user_id,
                now=management.now,
                link_lifetime=management.link_lifetime,
            )
    except WorkflowError as error:
        return _render_refusal(management, user_id, error)
    return _render_user(management, user_id, reset=True, **management.link_context(link))


def _change(
    management: Management, user_id: int, change: Callable[..., None], *values: Any, **options: Any
) -> Template | Redirect:
    """Change a user and show their page again; where that is refused, with the reason."""
    try:
        with management.transaction() as connection:
            change(connection, management.actor, user_id, *values, management.now, **options)
    except (InputError, WorkflowError) as error:
        return _render_refusal(management, user_id, error)
    return Redirect(f"/users/{user_id}", status_code=303)


def _render_users(management: Management, *, status: int = 200, **context: Any) -> Template:
    models = management.choices
    context = {
        **management.link_context(None),
        "invited": "",
        "problem": "",
        "values": {},
    } | context
    with management.transaction() as connection:
        context["users"] = list_user_views(connection, management.user, models, management.now)
        context["forms"] = load_choices(connection, management.user, models)
    context["passwords"] = management.settings.web.passwords
    return management.page("users.html", context, status=status)


def _render_user(
    management: Management, user_id: int, *, status: int = 200, **context: Any
) -> Template:
    models = management.choices
    context = {**management.link_context(None), "reset": False, "problem": ""} | context
    with management.transaction() as connection:
        context["view"] = view_user(connection, management.user, user_id, models, management.now)
        context["forms"] = load_choices(connection, management.user, models)
    context["passwords"] = management.settings.web.passwords
    return management.page("user.html", context, status=status)


def _render_refusal(
    management: Management, user_id: int, error: InputError | WorkflowError
) -> Template:
    if isinstance(error, NotFoundError):
        raise error
    return _render_user(management, user_id, status=409, problem=str(error))


def _model(data: dict[str, Any]) -> str:
    """Return the model of a form, which names none where there is one."""
    return text_of(data, "on") or ALL_MODELS


def _models(data: dict[str, Any]) -> list[str]:
    """Return the selected models; none means all."""
    selected = data.get("on", [])
    return [str(name) for name in selected] if isinstance(selected, list) else [str(selected)]


def _task_types(data: dict[str, Any]) -> list[str]:
    """Return the selected task types, and those in the comma-separated field."""
    selected = data.get("task_type", [])
    names = [str(name) for name in selected] if isinstance(selected, list) else [str(selected)]
    return [*names, *text_of(data, "other_task_types").split(",")]


router = Router(
    "/users",
    route_handlers=[
        list_page,
        invite,
        user_page,
        change_role,
        revoke_role,
        assign_task_types,
        link_slack,
        deactivate,
        reactivate,
        reset_password,
    ],
    dependencies={"management": Provide(_management, sync_to_thread=False)},
)
