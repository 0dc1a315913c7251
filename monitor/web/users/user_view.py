"""View models of the user pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.errors import NotFoundError
from monitor.store.accounts.grants import ALL_MODELS, Grant
from monitor.store.accounts.invitations import open_invitations
from monitor.store.accounts.roles import PERMISSIONS, ROLES, Permission
from monitor.store.accounts.users import UserRow, known_task_types, list_users, user_by_id
from monitor.web.models_of_user import ModelChoice


@dataclass(frozen=True)
class UserView:
    """A user, as the pages show it."""

    #: The user.
    row: UserRow
    #: The grants that the viewer may see: on all models, and on those that they manage.
    grants: Sequence[Grant]
    #: When an open link expires.
    link_until: datetime | None
    #: Whether the viewer may manage the account.
    manageable: bool
    #: The models, or all, on which the viewer may change the role.
    changeable: Sequence[str]

    @property
    def state(self) -> str:
        """``active``, ``invited`` (can't sign in yet) or ``inactive``."""
        if not self.row.active:
            return "inactive"
        return "active" if self.row.has_password or self.row.has_identity else "invited"

    @property
    def role(self) -> str:
        """The highest role that the viewer may see; empty without one."""
        roles = {grant.role for grant in self.grants}
        return next((role for role in reversed(ROLES) if role in roles), "")


@dataclass(frozen=True)
class Choices:
    """The choices of a form."""

    #: The roles that the viewer may grant on some model.
    roles: Sequence[str]
    #: The models on which the viewer may grant them; ``*`` is all models.
    models: Sequence[str]
    #: The known task types.
    task_types: Sequence[str]
    #: Role -> permissions beyond the role below it.
    permissions: Mapping[str, Sequence[str]]


def list_user_views(
    connection: Connection, viewer: UserRow, models: Sequence[ModelChoice], now: datetime
) -> list[UserView]:
    """Return all users, sorted by name."""
    links = open_invitations(connection, now)
    return [_view(viewer, row, models, links) for row in list_users(connection)]


def view_user(
    connection: Connection,
    viewer: UserRow,
    user_id: int,
    models: Sequence[ModelChoice],
    now: datetime,
) -> UserView:
    """Return a user, or ``NotFoundError``."""
    row = user_by_id(connection, user_id)
    if row is None:
        raise NotFoundError(f"user {user_id} doesn't exist")
    return _view(viewer, row, models, open_invitations(connection, now))


def load_choices(connection: Connection, viewer: UserRow, models: Sequence[ModelChoice]) -> Choices:
    """Return the choices of the viewer."""
    before: frozenset[Permission] = frozenset()
    added = {}
    for role in ROLES:
        added[role] = [item for item in Permission if item in PERMISSIONS[role] - before]
        before = PERMISSIONS[role]
    places = [name for name in _places(viewer, models) if viewer.grants.may_grant("reviewer", name)]
    return Choices(
        roles=[
            role for role in ROLES if any(viewer.grants.may_grant(role, name) for name in places)
        ],
        models=places,
        task_types=known_task_types(connection, viewer.grants.models(Permission.MANAGE_USERS)),
        permissions=added,
    )


def _places(viewer: UserRow, models: Sequence[ModelChoice]) -> list[str]:
    """Return all models, and each; of one model, only the former where it may be granted."""
    names = [choice.name for choice in models]
    every = viewer.grants.may_grant("reviewer", ALL_MODELS)
    return [ALL_MODELS] if every and len(names) < 2 else [ALL_MODELS, *names]


def _view(
    viewer: UserRow, row: UserRow, models: Sequence[ModelChoice], links: dict[int, datetime]
) -> UserView:
    managed = viewer.grants.models(Permission.MANAGE_USERS)
    own = row.id == viewer.id
    places = (*_places(viewer, models), *row.grants.by_model)
    return UserView(
        row=row,
        grants=[
            grant
            for grant in row.grants.listed
            if own or grant.model == ALL_MODELS or grant.model in managed
        ],
        link_until=links.get(row.id) if row.active else None,
        manageable=not own and viewer.grants.may_manage(row.grants),
        changeable=()
        if own
        else [name for name in dict.fromkeys(places) if viewer.grants.may_change(row.grants, name)],
    )
