"""Management of users: invitations, roles, task types, deactivation and password resets.

Each function locks the user, checks the actor's permission and writes an audit log entry. The
operator at the shell has all permissions, but can't remove the last admin either.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.accounts.invitations import OneTimeLink, create_link
from monitor.accounts.registration import OPERATOR, add_user, check_role
from monitor.errors import InputError, NotFoundError, WorkflowError
from monitor.store.accounts.invitations import revoke_invitations
from monitor.store.accounts.roles import may_grant, may_manage
from monitor.store.accounts.users import (
    UserRow,
    lock_admins_able_to_sign_in,
    revoke_sessions,
    set_active,
    set_identity,
    set_password_hash,
    user_by_id,
)
from monitor.store.accounts.users import set_role as store_role
from monitor.store.accounts.users import set_task_types as store_task_types
from monitor.store.audit_log import append_entry

MAX_TASK_TYPES = 100
MAX_TASK_TYPE_LENGTH = 200


@dataclass(frozen=True)
class Actor:
    """The author of a change: a user with a role, or the operator at the shell."""

    name: str
    role: str = "admin"
    #: ``None`` for the operator.
    id: int | None = None

    @classmethod
    def from_user(cls, user: UserRow) -> "Actor":
        """Return the actor of a signed-in user."""
        return cls(user.name, user.role, user.id)


THE_OPERATOR = Actor(OPERATOR)


def invite(
    connection: Connection,
    actor: Actor,
    *,
    name: str,
    email: str = "",
    role: str = "reviewer",
    task_types: Iterable[str] = (),
    now: datetime,
    link_lifetime: timedelta | None,
) -> OneTimeLink | None:
    """Add a user without a password, and return a link to set one.

    Args:
        connection: An open transaction.
        actor: The user who invites.
        name: The name to sign in with.
        email: The address in the claims of single sign-on.
        role: At most the actor's own role.
        task_types: The task types that the user reviews; none means all.
        now: The current time.
        link_lifetime: Lifetime of the link; ``None`` creates none, for sites without passwords.

    Raises:
        InputError: The name, e-mail address, role or a task type is refused.
        WorkflowError: The role is above the actor's.
    """
    check_role(role)
    _check_may_grant(actor, role)
    names = _clean_task_types(task_types)
    user_id = add_user(connection, name, role, now, email=email)
    if names:
        store_task_types(connection, user_id, names)
    link = _create_link(connection, user_id, actor, now, link_lifetime)
    details = {"role": role, "task_types": names}
    append_entry(connection, now, actor.name, "invited", f"user:{name.strip()}", details)
    return link


def change_role(
    connection: Connection, actor: Actor, user_id: int, role: str, now: datetime
) -> None:
    """Change a user's role.

    Raises:
        InputError: The role doesn't exist.
        NotFoundError: The user doesn't exist.
        WorkflowError: The actor may not grant the role, or no admin would be left.
    """
    check_role(role)
    user = _lock_manageable(connection, actor, user_id)
    _check_may_grant(actor, role)
    if role == user.role:
        return
    if role != "admin":
        _check_other_admin(connection, user)
    store_role(connection, user.id, role)
    details = {"from": user.role, "to": role}
    append_entry(connection, now, actor.name, "role_changed", f"user:{user.name}", details)


def assign_task_types(
    connection: Connection,
    actor: Actor,
    user_id: int,
    task_types: Iterable[str],
    now: datetime,
) -> None:
    """Set the task types that a user reviews; none means all.

    Raises:
        InputError: A task type is too long or not printable, or there are too many.
        NotFoundError: The user doesn't exist.
        WorkflowError: The actor may not manage the user.
    """
    user = _lock_manageable(connection, actor, user_id)
    names = _clean_task_types(task_types)
    store_task_types(connection, user.id, names)
    append_entry(
        connection, now, actor.name, "assigned", f"user:{user.name}", {"task_types": names}
    )


def deactivate(connection: Connection, actor: Actor, user_id: int, now: datetime) -> None:
    """Deactivate a user: revoke sessions and links at once, and keep the reviews.

    Raises:
        NotFoundError: The user doesn't exist.
        WorkflowError: The actor may not manage the user, or the user is the last admin.
    """
    user = _lock_manageable(connection, actor, user_id)
    if not user.active:
        return
    _check_other_admin(connection, user)
    set_active(connection, user.id, active=False)
    revoke_sessions(connection, user.id)
    revoke_invitations(connection, user.id, now)
    append_entry(connection, now, actor.name, "deactivated", f"user:{user.name}")


def reactivate(connection: Connection, actor: Actor, user_id: int, now: datetime) -> None:
    """Reactivate a user, with the previous password.

    Raises:
        NotFoundError: The user doesn't exist.
        WorkflowError: The actor may not manage the user.
    """
    user = _lock_manageable(connection, actor, user_id)
    if not user.active:
        set_active(connection, user.id, active=True)
        append_entry(connection, now, actor.name, "reactivated", f"user:{user.name}")


def reset_password(
    connection: Connection,
    actor: Actor,
    user_id: int,
    *,
    now: datetime,
    link_lifetime: timedelta | None,
) -> OneTimeLink | None:
    """Remove a user's password, linked identity and sessions, and return a link to set a password.

    The next single sign-on links an identity again. ``link_lifetime=None`` creates no link.

    Raises:
        NotFoundError: The user doesn't exist.
        WorkflowError: The user is deactivated or the last admin, or the actor may not manage them.
    """
    user = _lock_manageable(connection, actor, user_id)
    if not user.active:
        raise WorkflowError(f"{user.name} is deactivated; reactivate the user first")
    if actor != THE_OPERATOR:  # the operator can always create another link
        _check_other_admin(connection, user)
    set_password_hash(connection, user.id, "")
    set_identity(connection, user.id, None)
    revoke_sessions(connection, user.id)
    link = _create_link(connection, user.id, actor, now, link_lifetime)
    append_entry(connection, now, actor.name, "password_reset", f"user:{user.name}")
    return link


def _lock_manageable(connection: Connection, actor: Actor, user_id: int) -> UserRow:
    # The admins' rows first: two admins who change each other would deadlock otherwise.
    lock_admins_able_to_sign_in(connection)
    user = user_by_id(connection, user_id, lock=True)
    if user is None:
        raise NotFoundError(f"user {user_id} doesn't exist")
    if user.id == actor.id:
        raise WorkflowError("you can't change your own account; ask another admin")
    if not may_manage(actor.role, user.role):
        raise WorkflowError(f"a {actor.role} can't manage a user with the role {user.role}")
    return user


def _check_may_grant(actor: Actor, role: str) -> None:
    if not may_grant(actor.role, role):
        raise WorkflowError(f"a {actor.role} can't grant the role {role}")


def _check_other_admin(connection: Connection, user: UserRow) -> None:
    admins = lock_admins_able_to_sign_in(connection)
    if admins == [user.id]:
        raise WorkflowError(f"{user.name} is the last admin who can sign in; add another first")


def _create_link(
    connection: Connection,
    user_id: int,
    actor: Actor,
    now: datetime,
    link_lifetime: timedelta | None,
) -> OneTimeLink | None:
    if link_lifetime is None:
        return None
    return create_link(connection, user_id, created_by=actor.name, now=now, lifetime=link_lifetime)


def _clean_task_types(task_types: Iterable[str]) -> list[str]:
    names = sorted({name.strip() for name in task_types} - {""})
    if len(names) > MAX_TASK_TYPES:
        raise InputError(
            f"{len(names)} task types are too many; use at most {MAX_TASK_TYPES}, or none for all"
        )
    for name in names:
        if len(name) > MAX_TASK_TYPE_LENGTH or not name.isprintable():
            raise InputError(
                f"task type {name[:40]!r} is refused; use up to {MAX_TASK_TYPE_LENGTH} printable "
                "characters"
            )
    return names
