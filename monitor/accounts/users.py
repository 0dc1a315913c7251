"""Managing people: who invites whom, with which role and task types, and who is let in no longer.

Every function locks the person first, checks that the one who asks may do it, and leaves a line in
the audit log. The operator at the shell may do everything but lock everybody out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.accounts.invitations import OneTimeLink, give_link
from monitor.accounts.registration import OPERATOR, add_person, check_role
from monitor.errors import InputError, NotFoundError, WorkflowError
from monitor.store.accounts.invitations import end_invitations
from monitor.store.accounts.roles import may_give, may_manage
from monitor.store.accounts.users import (
    ReviewerRow,
    end_sessions,
    lock_usable_admins,
    reviewer_by_id,
    set_active,
    set_identity,
    set_password_hash,
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
    def of(cls, person: ReviewerRow) -> "Manager":
        """Return the manager that a signed-in person is."""
        return cls(person.name, person.role, person.id)


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
    person_id = add_person(connection, name, role, now, email=email)
    if wanted:
        store_task_types(connection, person_id, wanted)
    link = _link(connection, person_id, manager, now, days)
    details = {"role": role, "task_types": wanted}
    append_entry(connection, now, manager.name, "invited", f"reviewer:{name.strip()}", details)
    return link


def change_role(
    connection: Connection, manager: Manager, person_id: int, role: str, now: datetime
) -> None:
    """Give a person another role.

    Raises:
        InputError: There is no such role.
        NotFoundError: There is no such person.
        WorkflowError: It is above the manager's own, or would leave no admin.
    """
    check_role(role)
    person = _manageable(connection, manager, person_id)
    _check_may_give(manager, role)
    if role == person.role:
        return
    if role != "admin":
        _keep_an_admin(connection, person)
    store_role(connection, person.id, role)
    details = {"from": person.role, "to": role}
    append_entry(connection, now, manager.name, "role_changed", f"reviewer:{person.name}", details)


def assign(
    connection: Connection,
    manager: Manager,
    person_id: int,
    task_types: Iterable[str],
    now: datetime,
) -> None:
    """Put a person on some task types only; none: on all of them.

    Raises:
        InputError: A task type is no name.
        NotFoundError: There is no such person.
        WorkflowError: The person's role isn't below the manager's.
    """
    person = _manageable(connection, manager, person_id)
    wanted = _clean(task_types)
    store_task_types(connection, person.id, wanted)
    append_entry(
        connection, now, manager.name, "assigned", f"reviewer:{person.name}", {"task_types": wanted}
    )


def deactivate(connection: Connection, manager: Manager, person_id: int, now: datetime) -> None:
    """Let a person in no longer: their sessions and links end at once, their work stays.

    Raises:
        NotFoundError: There is no such person.
        WorkflowError: It is the manager, or the last admin, or not below the manager.
    """
    person = _manageable(connection, manager, person_id)
    if not person.active:
        return
    _keep_an_admin(connection, person)
    set_active(connection, person.id, active=False)
    end_sessions(connection, person.id)
    end_invitations(connection, person.id, now)
    append_entry(connection, now, manager.name, "deactivated", f"reviewer:{person.name}")


def reactivate(connection: Connection, manager: Manager, person_id: int, now: datetime) -> None:
    """Let a person in again, with the password they had.

    Raises:
        NotFoundError: There is no such person.
        WorkflowError: The person's role isn't below the manager's.
    """
    person = _manageable(connection, manager, person_id)
    if not person.active:
        set_active(connection, person.id, active=True)
        append_entry(connection, now, manager.name, "reactivated", f"reviewer:{person.name}")


def reset_password(
    connection: Connection, manager: Manager, person_id: int, *, now: datetime, days: float | None
) -> OneTimeLink | None:
    """End a person's password, bound identity and sessions, and return a link to set a new one.

    The next sign-in by single sign-on binds an identity anew. With ``days=None`` there is no link.

    Raises:
        NotFoundError: There is no such person.
        WorkflowError: The person is deactivated, or their role isn't below the manager's.
    """
    person = _manageable(connection, manager, person_id)
    if not person.active:
        raise WorkflowError(f"{person.name} is deactivated; reactivate them first")
    if manager != THE_OPERATOR:  # who can always make another link
        _keep_an_admin(connection, person)
    set_password_hash(connection, person.id, "")
    set_identity(connection, person.id, None)
    end_sessions(connection, person.id)
    link = _link(connection, person.id, manager, now, days)
    append_entry(connection, now, manager.name, "password_reset", f"reviewer:{person.name}")
    return link


def _manageable(connection: Connection, manager: Manager, person_id: int) -> ReviewerRow:
    lock_usable_admins(connection)  # first: two admins who change each other would wait in a circle
    person = reviewer_by_id(connection, person_id, lock=True)
    if person is None:
        raise NotFoundError(f"person {person_id} doesn't exist")
    if person.id == manager.id:
        raise WorkflowError("nobody changes their own account; ask another admin")
    if not may_manage(manager.role, person.role):
        raise WorkflowError(f"a {manager.role} can't change a person with the role {person.role}")
    return person


def _check_may_give(manager: Manager, role: str) -> None:
    if not may_give(manager.role, role):
        raise WorkflowError(f"a {manager.role} can't give the role {role}")


def _keep_an_admin(connection: Connection, person: ReviewerRow) -> None:
    admins = lock_usable_admins(connection)
    if admins == [person.id]:
        raise WorkflowError(f"{person.name} is the last admin who can sign in; add another first")


def _link(
    connection: Connection, person_id: int, manager: Manager, now: datetime, days: float | None
) -> OneTimeLink | None:
    if days is None:
        return None
    return give_link(connection, person_id, by=manager.name, now=now, days=days)


def _clean(task_types: Iterable[str]) -> list[str]:
    wanted = sorted({one.strip() for one in task_types} - {""})
    if len(wanted) > MAX_TASK_TYPES:
        raise InputError(f"at most {MAX_TASK_TYPES} task types; none means all of them")
    for one in wanted:
        if len(one) > MAX_TASK_TYPE_LENGTH or not one.isprintable():
            raise InputError(f"a task type has up to {MAX_TASK_TYPE_LENGTH} printable characters")
    return wanted
