"""View models of the user pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.errors import NotFoundError
from monitor.store.accounts.invitations import open_invitations
from monitor.store.accounts.roles import PERMISSIONS, ROLES, Permission, may_grant, may_manage
from monitor.store.accounts.users import (
    UserRow,
    known_task_types,
    list_users,
    task_types_of,
    user_by_id,
)


@dataclass(frozen=True)
class UserView:
    """A user, as the pages show it.

    Attributes:
        row: The user.
        task_types: The task types that the user reviews; none means all.
        link_until: When an open link expires.
        manageable: Whether the viewer may manage the user.
    """

    row: UserRow
    task_types: Sequence[str]
    link_until: datetime | None
    manageable: bool

    @property
    def state(self) -> str:
        """``active``, ``invited`` (can't sign in yet) or ``inactive``."""
        if not self.row.active:
            return "inactive"
        return "active" if self.row.has_password or self.row.has_identity else "invited"


@dataclass(frozen=True)
class Choices:
    """The choices of a form.

    Attributes:
        roles: The roles that the viewer may grant.
        task_types: The known task types.
        permissions: Role -> permissions beyond the role below it.
    """

    roles: Sequence[str]
    task_types: Sequence[str]
    permissions: Mapping[str, Sequence[str]]


def list_user_views(connection: Connection, viewer: UserRow, now: datetime) -> list[UserView]:
    """Return all users, sorted by name."""
    links = open_invitations(connection, now)
    return [_view(connection, viewer, row, links) for row in list_users(connection)]


def view_user(connection: Connection, viewer: UserRow, user_id: int, now: datetime) -> UserView:
    """Return a user.

    Raises:
        NotFoundError: The user doesn't exist.
    """
    row = user_by_id(connection, user_id)
    if row is None:
        raise NotFoundError(f"user {user_id} doesn't exist")
    return _view(connection, viewer, row, open_invitations(connection, now))


def load_choices(connection: Connection, viewer: UserRow) -> Choices:
    """Return the choices of the viewer."""
    before: frozenset[Permission] = frozenset()
    added = {}
    for role in ROLES:
        added[role] = [item for item in Permission if item in PERMISSIONS[role] - before]
        before = PERMISSIONS[role]
    return Choices(
        roles=[role for role in ROLES if may_grant(viewer.role, role)],
        task_types=known_task_types(connection),
        permissions=added,
    )


def _view(
    connection: Connection, viewer: UserRow, row: UserRow, links: dict[int, datetime]
) -> UserView:
    return UserView(
        row=row,
        task_types=sorted(task_types_of(connection, row.id)),
        link_until=links.get(row.id) if row.active else None,
        manageable=row.id != viewer.id and may_manage(viewer.role, row.role),
    )
