"""Management of users: invitations, roles on models, deactivation and password resets.

Each function locks the user, checks the actor's permission and writes an audit log entry. The
operator at the shell has all permissions, but can't remove the last admin either.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from monitor.accounts.invitations import OneTimeLink, create_link
from monitor.accounts.registration import (
    add_user,
    check_role,
    clean_task_types,
    describe,
    grants_on,
)
from monitor.errors import InputError, NotFoundError, WorkflowError
from monitor.store.accounts.grants import (
    ALL_MODELS,
    Grant,
    Grants,
    delete_grants,
    save_grant,
)
from monitor.store.accounts.invitations import revoke_invitations
from monitor.store.accounts.users import (
    UserRow,
    lock_admins_able_to_sign_in,
    revoke_sessions,
    set_active,
    set_identity,
    set_password_hash,
    set_slack_user_id,
    user_by_id,
)
from monitor.store.audit_log import append_entry
from monitor.store.review.assignments import take_back_unfit_items

SLACK_USER_ID = re.compile(r"[UW][A-Z0-9]{2,30}")

ADMIN = Grants.of([Grant(ALL_MODELS, "admin")])


@dataclass(frozen=True)
class Actor:
    """The author of a change: a user with grants, or the operator at the shell."""

    name: str
    grants: Grants = ADMIN
    #: ``None`` for the operator.
    id: int | None = None

    @classmethod
    def from_user(cls, user: UserRow) -> "Actor":
        """Return the actor of a signed-in user."""
        return cls(user.name, user.grants, user.id)


def invite(
    connection: Connection,
    actor: Actor,
    *,
    name: str,
    email: str = "",
    role: str = "reviewer",
    models: Iterable[str] = (),
    task_types: Iterable[str] = (),
    now: datetime,
    link_lifetime: timedelta | None,
) -> OneTimeLink | None:
    """Add a user without a password, and return a link to set one.

    The address is that in the claims of single sign-on; the role is at most the actor's own on the
    models. No models or task types mean all. Without a lifetime no link is created, for sites
    without passwords.

    Raises:
        InputError: The name, e-mail address, role, a model or a task type is refused.
        WorkflowError: The role is above the actor's on a model.
    """
    grants = grants_on(models, role, task_types)
    for grant in grants:
        _check_may_grant(actor, role, grant.model)
    user_id = add_user(connection, name, grants, now, email=email)
    link = _create_link(connection, user_id, actor, now, link_lifetime)
    append_entry(connection, now, actor.name, "invited", f"user:{name.strip()}", describe(grants))
    return link


def change_role(
    connection: Connection,
    actor: Actor,
    user_id: int,
    role: str,
    now: datetime,
    *,
    model: str = ALL_MODELS,
) -> None:
    """Give a user a role on a model, or on all models; an admin has no other grants.

    The task types of the user's grant stay as they are.

    Raises:
        InputError: The role doesn't exist, or is no role of a model.
        NotFoundError: The user doesn't exist.
        WorkflowError: The actor may not grant the role, or no admin would be left.
    """
    check_role(role, model)
    user = _lock_changeable(connection, actor, user_id, model)
    _check_may_grant(actor, role, model)
    before = user.grants.by_model.get(model)
    if before is not None and before.role == role:
        return
    if user.grants.is_admin:
        _check_other_admin(connection, user)
        if model != ALL_MODELS:
            raise WorkflowError(
                f"{user.name} is an admin, of all models; give another role on all models first"
            )
    if role == "admin":
        delete_grants(connection, user.id, set(user.grants.by_model) - {ALL_MODELS})
    task_types = before.task_types if before else frozenset()
    save_grant(connection, user.id, Grant(model, role, task_types))
    _take_back_items(connection, user_id)
    details = {"from": before.role if before else "", "to": role, "model": model}
    append_entry(connection, now, actor.name, "role_changed", f"user:{user.name}", details)


def revoke_role(
    connection: Connection, actor: Actor, user_id: int, now: datetime, *, model: str = ALL_MODELS
) -> None:
    """Take a user's own role on a model, or that on all models.

    Raises:
        NotFoundError: The user doesn't exist, or has no such role.
        WorkflowError: The actor may not change the role, or no admin would be left.
    """
    user = _lock_changeable(connection, actor, user_id, model)
    before = _require_grant(user, model)
    if user.grants.is_admin:
        _check_other_admin(connection, user)
    delete_grants(connection, user.id, [model])
    _take_back_items(connection, user_id)
    details = {"from": before.role, "to": "", "model": model}
    append_entry(connection, now, actor.name, "role_changed", f"user:{user.name}", details)


def assign_task_types(
    connection: Connection,
    actor: Actor,
    user_id: int,
    task_types: Iterable[str],
    now: datetime,
    *,
    model: str = ALL_MODELS,
) -> None:
    """Set the task types of a user's role on a model, or on all models; none means all.

    Raises:
        InputError: A task type is too long or not printable, or there are too many.
        NotFoundError: The user doesn't exist, or has no such role.
        WorkflowError: The actor may not change the role.
    """
    user = _lock_changeable(connection, actor, user_id, model)
    grant = replace(_require_grant(user, model), task_types=clean_task_types(task_types))
    save_grant(connection, user.id, grant)
    _take_back_items(connection, user_id)
    details = {"task_types": sorted(grant.task_types), "model": model}
    append_entry(connection, now, actor.name, "assigned", f"user:{user.name}", details)


def link_slack(
    connection: Connection, actor: Actor, user_id: int, slack_user_id: str, now: datetime
) -> None:
    """Link a user to an id at Slack, whose presses of buttons then count as this user's.

    An empty id unlinks.

    Raises:
        InputError: The text is no id of Slack, or is linked to another user.
        NotFoundError: The user doesn't exist.
        WorkflowError: The actor may not manage the user.
    """
    user = _lock_manageable(connection, actor, user_id)
    linked = slack_user_id.strip() or None
    if linked is not None and not SLACK_USER_ID.fullmatch(linked):
        raise InputError(
            f"{linked[:40]!r} is no id of a Slack user; in Slack, copy it from the profile (Copy "
            "member ID), such as U012ABCDEF",
            code="no_slack_id",
        )
    if linked == user.slack_user_id:
        return
    try:
        with connection.begin_nested():
            set_slack_user_id(connection, user.id, linked)
    except IntegrityError:
        raise InputError(
            f"{linked} is linked to another user; unlink that one first: `driftwarden accounts "
            "list` shows it",
            code="slack_id_taken",
        ) from None
    details = {"from": user.slack_user_id or "", "to": linked or ""}
    append_entry(connection, now, actor.name, "slack_linked", f"user:{user.name}", details)


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
    if actor.id is not None:  # the operator can always create another link
        _check_other_admin(connection, user)
    set_password_hash(connection, user.id, "")
    set_identity(connection, user.id, None)
    revoke_sessions(connection, user.id)
    link = _create_link(connection, user.id, actor, now, link_lifetime)
    append_entry(connection, now, actor.name, "password_reset", f"user:{user.name}")
    return link


def _take_back_items(connection: Connection, user_id: int) -> None:
    """Free the review items that a lead gave the user and that the grants no longer include."""
    user = user_by_id(connection, user_id)
    if user is not None:
        take_back_unfit_items(connection, user)


def _lock_manageable(connection: Connection, actor: Actor, user_id: int) -> UserRow:
    """Lock a user whose account the actor may manage."""
    user = _lock_other(connection, actor, user_id)
    if not actor.grants.may_manage(user.grants):
        raise WorkflowError(f"you can't manage the account of {user.name}; ask an admin")
    return user


def _lock_changeable(connection: Connection, actor: Actor, user_id: int, model: str) -> UserRow:
    """Lock a user whose role on a model the actor may change."""
    user = _lock_other(connection, actor, user_id)
    if not actor.grants.may_change(user.grants, model):
        raise WorkflowError(
            f"you can't manage the role of {user.name} on {_describe(model)}; ask an admin"
        )
    return user


def _lock_other(connection: Connection, actor: Actor, user_id: int) -> UserRow:
    # The admins' rows first: two admins who change each other would deadlock otherwise.
    lock_admins_able_to_sign_in(connection)
    user = user_by_id(connection, user_id, lock=True)
    if user is None:
        raise NotFoundError(f"user {user_id} doesn't exist")
    if user.id == actor.id:
        raise WorkflowError("you can't change your own account; ask another admin")
    return user


def _require_grant(user: UserRow, model: str) -> Grant:
    grant = user.grants.by_model.get(model)
    if grant is None:
        raise NotFoundError(f"{user.name} has no role of their own on {_describe(model)}")
    return grant


def _check_may_grant(actor: Actor, role: str, model: str) -> None:
    if not actor.grants.may_grant(role, model):
        raise WorkflowError(f"you can't grant the role {role} on {_describe(model)}")


def _describe(model: str) -> str:
    return "all models" if model == ALL_MODELS else f"the model {model}"


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
