"""Managing people: who invites whom, with which role and task types, and who is let in no longer.

Every function locks the person first, checks that the one who asks may do it, and leaves a line in
the audit log. The operator at the shell may do everything but lock everybody out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

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
class Manager:
    """Who asks: a person with a role, or the operator at the shell."""

    name: str
    role: str = "admin"
    #: ``None`` for the operator.
    id: int | None = None

    @classmethod
    def of(cls, user: UserRow) -> "Manager":
        """Return the manager that a signed-in person is."""
        return cls(user.name, user.role, user.id)


THE_OPERATOR = Manager(OPERATOR)


def invite(
    connection: Connection,
    manager: Manager,
    *,
    name: str,
    email: str = "",
    role: str = "reviewer",
    task_types: Iterable[str] = (),
    now: datetime,
    days: float | None,
) -> OneTimeLink | None:
    """Add a person who has yet to set a password, and return the link for it.

    Args:
        connection: An open transaction.
        manager: Who invites.
        name: The name to sign in with.
        email: What single sign-on knows the person by.
        role: At most the inviter's own.
        task_types: What the person reviews; none: everything.
        now: The time.
        days: How long the link works; ``None`` where people don't sign in by password: no link.

    Raises:
        InputError: Name, e-mail, role or a task type can't be used.
        WorkflowError: The role is above the inviter's own.
    """
    check_role(role)
    _check_may_give(manager, role)
    wanted = _clean(task_types)
    user_id = add_user(connection, name, role, now, email=email)
    if wanted:
        store_task_types(connection, user_id, wanted)
    link = _link(connection, user_id, manager, now, days)
    details = {"role": role, "task_types": wanted}
    append_entry(connection, now, manager.name, "invited", f"user:{name.strip()}", details)
    return link


def change_role(
    connection: Connection, manager: Manager, user_id: int, role: str, now: datetime
) -> None:
    """Give a person another role.

    Raises:
        InputError: There is no such role.
        NotFoundError: There is no such person.
        WorkflowError: It is above the manager's own, or would leave no admin.
    """
    check_role(role)
    user = _manageable(connection, manager, user_id)
    _check_may_give(manager, role)
    if role == user.role:
        return
    if role != "admin":
        _keep_an_admin(connection, user)
    store_role(connection, user.id, role)
    details = {"from": user.role, "to": role}
    append_entry(connection, now, manager.name, "role_changed", f"user:{user.name}", details)


def assign(
    connection: Connection,
    manager: Manager,
    user_id: int,
    task_types: Iterable[str],
    now: datetime,
) -> None:
    """Put a person on some task types only; none: on all of them.

    Raises:
        InputError: A task type is no name.
        NotFoundError: There is no such person.
        WorkflowError: The person's role isn't below the manager's.
    """
    user = _manageable(connection, manager, user_id)
    wanted = _clean(task_types)
    store_task_types(connection, user.id, wanted)
    append_entry(
        connection, now, manager.name, "assigned", f"user:{user.name}", {"task_types": wanted}
    )


def deactivate(connection: Connection, manager: Manager, user_id: int, now: datetime) -> None:
    """Let a person in no longer: their sessions and links end at once, their work stays.

    Raises:
        NotFoundError: There is no such person.
        WorkflowError: It is the manager, or the last admin, or not below the manager.
    """
    user = _manageable(connection, manager, user_id)
    if not user.active:
        return
    _keep_an_admin(connection, user)
    set_active(connection, user.id, active=False)
    revoke_sessions(connection, user.id)
    revoke_invitations(connection, user.id, now)
    append_entry(connection, now, manager.name, "deactivated", f"user:{user.name}")


def reactivate(connection: Connection, manager: Manager, user_id: int, now: datetime) -> None:
    """Let a person in again, with the password they had.

    Raises:
        NotFoundError: There is no such person.
        WorkflowError: The person's role isn't below the manager's.
    """
    user = _manageable(connection, manager, user_id)
    if not user.active:
        set_active(connection, user.id, active=True)
        append_entry(connection, now, manager.name, "reactivated", f"user:{user.name}")


def reset_password(
    connection: Connection, manager: Manager, user_id: int, *, now: datetime, days: float | None
) -> OneTimeLink | None:
    """End a person's password, bound identity and sessions, and return a link to set a new one.

    The next sign-in by single sign-on binds an identity anew. With ``days=None`` there is no link.

    Raises:
        NotFoundError: There is no such person.
        WorkflowError: The person is deactivated, or their role isn't below the manager's.
    """
    user = _manageable(connection, manager, user_id)
    if not user.active:
        raise WorkflowError(f"{user.name} is deactivated; reactivate them first")
    if manager != THE_OPERATOR:  # who can always make another link
        _keep_an_admin(connection, user)
    set_password_hash(connection, user.id, "")
    set_identity(connection, user.id, None)
    revoke_sessions(connection, user.id)
    link = _link(connection, user.id, manager, now, days)
    append_entry(connection, now, manager.name, "password_reset", f"user:{user.name}")
    return link


def _manageable(connection: Connection, manager: Manager, user_id: int) -> UserRow:
    lock_admins_able_to_sign_in(
        connection
    )  # first: two admins who change each other would wait in a circle
    user = user_by_id(connection, user_id, lock=True)
    if user is None:
        raise NotFoundError(f"person {user_id} doesn't exist")
    if user.id == manager.id:
        raise WorkflowError("nobody changes their own account; ask another admin")
    if not may_manage(manager.role, user.role):
        raise WorkflowError(f"a {manager.role} can't change a person with the role {user.role}")
    return user


def _check_may_give(manager: Manager, role: str) -> None:
    if not may_grant(manager.role, role):
        raise WorkflowError(f"a {manager.role} can't give the role {role}")


def _keep_an_admin(connection: Connection, user: UserRow) -> None:
    admins = lock_admins_able_to_sign_in(connection)
    if admins == [user.id]:
        raise WorkflowError(f"{user.name} is the last admin who can sign in; add another first")


def _link(
    connection: Connection, user_id: int, manager: Manager, now: datetime, days: float | None
) -> OneTimeLink | None:
    if days is None:
        return None
    return create_link(connection, user_id, by=manager.name, now=now, days=days)


def _clean(task_types: Iterable[str]) -> list[str]:
    wanted = sorted({one.strip() for one in task_types} - {""})
    if len(wanted) > MAX_TASK_TYPES:
        raise InputError(f"at most {MAX_TASK_TYPES} task types; none means all of them")
    for one in wanted:
        if len(one) > MAX_TASK_TYPE_LENGTH or not one.isprintable():
            raise InputError(f"a task type has up to {MAX_TASK_TYPE_LENGTH} printable characters")
    return wanted
