"""What the pages of people show: who there is, and what the one who looks may change."""

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
    """A person as the pages show them.

    Attributes:
        row: The person.
        task_types: What they review; none: everything.
        link_until: Until when an open link works.
        manageable: Whether the one who looks may change them.
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
    """What a form may offer.

    Attributes:
        roles: Those that the viewer may give.
        task_types: Those that are known.
        permissions: What each role may do beyond the one before it.
    """

    roles: Sequence[str]
    task_types: Sequence[str]
    permissions: Mapping[str, Sequence[str]]


def list_views(connection: Connection, viewer: UserRow, now: datetime) -> list[UserView]:
    """Return all people, in the order of their names."""
    links = open_invitations(connection, now)
    return [_view(connection, viewer, row, links) for row in list_users(connection)]


def view_user(connection: Connection, viewer: UserRow, user_id: int, now: datetime) -> UserView:
    """Return a person.

    Raises:
        NotFoundError: There is no such person.
    """
    row = user_by_id(connection, user_id)
    if row is None:
        raise NotFoundError(f"person {user_id} doesn't exist")
    return _view(connection, viewer, row, open_invitations(connection, now))


def choices(connection: Connection, viewer: UserRow) -> Choices:
    """Return what the viewer may choose from."""
    before: frozenset[Permission] = frozenset()
    added = {}
    for role in ROLES:
        added[role] = [one for one in Permission if one in PERMISSIONS[role] - before]
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
