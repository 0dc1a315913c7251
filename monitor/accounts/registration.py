"""Registration of users: names, e-mail addresses, roles and task types."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from monitor.accounts.passwords import check_strength, hash_password
from monitor.accounts.user_names import appearance, check_name
from monitor.errors import InputError
from monitor.store.accounts.grants import ALL_MODELS, Grant, save_grant
from monitor.store.accounts.roles import ROLES
from monitor.store.accounts.users import insert_user, is_name_taken, user_names
from monitor.store.audit_log import SYSTEM, append_entry

MAX_EMAIL_LENGTH = 254
MAX_MODEL_LENGTH = 1000
MAX_TASK_TYPES = 100
MAX_TASK_TYPE_LENGTH = 200


def create_user(
    connection: Connection,
    name: str,
    password: str,
    role: str,
    now: datetime,
    *,
    models: Iterable[str] = (),
) -> int:
    """Add a user with a password and a role on models, or on all where none is named.

    The audit log gets an entry. Return the user's id.

    Raises:
        InputError: The name, password, role or a model is refused.
    """
    check_strength(password, name)
    grants = grants_on(models, role)
    user_id = add_user(connection, name, grants, now, password_hash=hash_password(password))
    subject = f"user:{name.strip()}"
    append_entry(connection, now, SYSTEM, "user_added", subject, describe(grants))
    return user_id


def add_user(
    connection: Connection,
    name: str,
    grants: Sequence[Grant],
    now: datetime,
    *,
    email: str = "",
    password_hash: str = "",
) -> int:
    """Add a user and return the id; the caller writes the audit log entry.

    Raises:
        InputError: The name or e-mail address is refused, or is taken.
    """
    name, email = name.strip(), email.strip().casefold()
    check_name(name)
    if email and (len(email) > MAX_EMAIL_LENGTH or not re.fullmatch(r"[^\s@]+@[^\s@]+", email)):
        raise InputError(f"{email!r} is not an e-mail address; use the form name@example.com")
    if is_name_taken(connection, name):
        raise InputError(f"user {name!r} already exists; choose another name")
    for other in user_names(connection):
        if appearance(other) == appearance(name):
            raise InputError(
                f"user name {name!r} looks like {other!r}, who exists; choose another name",
                code="looks_like_another",
            )
    try:
        with connection.begin_nested():
            user_id = insert_user(connection, name, password_hash, now, email=email or None)
    except IntegrityError:
        raise InputError(
            f"a user with the name {name!r} or the e-mail address {email!r} already exists"
        ) from None
    for grant in grants:
        save_grant(connection, user_id, grant)
    return user_id


def grants_on(models: Iterable[str], role: str, task_types: Iterable[str] = ()) -> list[Grant]:
    """Return the grants of a role on models, or on all models where none is named.

    Raises:
        InputError: The role, a model or a task type is refused.
    """
    names = sorted(set(models)) or [ALL_MODELS]
    for model in names:
        check_role(role, model)
    return [Grant(model, role, clean_task_types(task_types)) for model in names]


def describe(grants: Sequence[Grant]) -> dict[str, Any]:
    """Return the facts of equal grants on some models, for the audit log."""
    first = grants[0]
    return {
        "role": first.role,
        "models": [grant.model for grant in grants],
        "task_types": sorted(first.task_types),
    }


def check_role(role: str, model: str) -> None:
    """Check that a role exists and may be given on a model.

    Raises:
        InputError: There is no such role, an admin is to be of one model, or the model has no name
            that can be stored.
    """
    if role not in ROLES:
        raise InputError(f"unknown role {role!r}; use one of {', '.join(ROLES)}")
    if role == "admin" and model != ALL_MODELS:
        raise InputError(
            f"an admin is of the daemon, not of the model {model!r}; give the role lead instead"
        )
    if not model.strip() or len(model) > MAX_MODEL_LENGTH or not model.isprintable():
        raise InputError(
            f"model {model[:40]!r} is refused; use 1 to {MAX_MODEL_LENGTH} printable characters"
        )


def clean_task_types(task_types: Iterable[str]) -> frozenset[str]:
    """Return task types without blanks around them.

    Raises:
        InputError: There are too many, or one is too long or not printable.
    """
    names = frozenset(name.strip() for name in task_types) - {""}
    if len(names) > MAX_TASK_TYPES:
        raise InputError(
            f"{len(names)} task types are too many; use at most {MAX_TASK_TYPES}, or none for all"
        )
    for name in sorted(names):
        if len(name) > MAX_TASK_TYPE_LENGTH or not name.isprintable():
            raise InputError(
                f"task type {name[:40]!r} is refused; use up to {MAX_TASK_TYPE_LENGTH} printable "
                "characters"
            )
    return names
