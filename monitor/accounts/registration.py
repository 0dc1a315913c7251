"""Registration of users: names, e-mail addresses and roles."""

import re
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from monitor.accounts.passwords import check_strength, hash_password
from monitor.errors import InputError
from monitor.store.accounts.roles import ROLES
from monitor.store.accounts.users import insert_user, is_name_taken
from monitor.store.audit_log import append_entry

MAX_NAME_LENGTH = 80
MAX_EMAIL_LENGTH = 254
#: The actor in the audit log for commands at the shell, and for the system itself.
OPERATOR = "driftwarden"


def create_user(connection: Connection, name: str, password: str, role: str, now: datetime) -> int:
    """Add a user with a password, write the audit log entry, and return the user's id.

    Raises:
        InputError: The name, password or role is refused.
    """
    check_strength(password, name)
    user_id = add_user(connection, name, role, now, password_hash=hash_password(password))
    subject = f"user:{name.strip()}"
    append_entry(connection, now, OPERATOR, "user_added", subject, details={"role": role})
    return user_id


def add_user(
    connection: Connection,
    name: str,
    role: str,
    now: datetime,
    *,
    email: str = "",
    password_hash: str = "",
) -> int:
    """Add a user and return the id; the caller writes the audit log entry.

    Raises:
        InputError: The name, e-mail address or role is refused, or is taken.
    """
    name, email = name.strip(), email.strip().casefold()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise InputError(
            f"user name {name!r} is refused; use 1 to {MAX_NAME_LENGTH} printable characters"
        )
    if email and (len(email) > MAX_EMAIL_LENGTH or not re.fullmatch(r"[^\s@]+@[^\s@]+", email)):
        raise InputError(f"{email!r} is not an e-mail address; use the form name@example.com")
    check_role(role)
    if is_name_taken(connection, name):
        raise InputError(f"user {name!r} already exists; choose another name")
    try:
        with connection.begin_nested():
            return insert_user(connection, name, password_hash, role, now, email=email or None)
    except IntegrityError:
        raise InputError(
            f"a user with the name {name!r} or the e-mail address {email!r} already exists"
        ) from None


def check_role(role: str) -> None:
    """Check that a role exists.

    Raises:
        InputError: The role doesn't exist.
    """
    if role not in ROLES:
        raise InputError(f"unknown role {role!r}; use one of {', '.join(ROLES)}")
