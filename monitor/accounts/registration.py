"""Accounts: adding people, and checking who signs in by password."""

import re
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from monitor.accounts.passwords import (
    check_strength,
    hash_password,
    needs_rehash,
    verify_password,
)
from monitor.errors import InputError
from monitor.store.accounts.roles import ROLES
from monitor.store.accounts.users import (
    UserRow,
    insert_user,
    is_name_taken,
    password_hash_of,
    set_password_hash,
    user_by_name,
)
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction

MAX_NAME_LENGTH = 80
MAX_EMAIL_LENGTH = 254
#: The operator: whoever has a shell on the machine and the database.
OPERATOR = "driftwarden"


def create_user(connection: Connection, name: str, password: str, role: str, now: datetime) -> int:
    """Add a person who signs in with a password that is known already, and return their id.

    Raises:
        InputError: Name, password or role can't be used; the message says why.
    """
    check_strength(password, name)
    reviewer_id = add_user(connection, name, role, now, password_hash=hash_password(password))
    subject = f"user:{name.strip()}"
    append_entry(connection, now, OPERATOR, "user_added", subject, details={"role": role})
    return reviewer_id


def add_user(
    connection: Connection,
    name: str,
    role: str,
    now: datetime,
    *,
    email: str = "",
    password_hash: str = "",
) -> int:
    """Add a person and return their id; the caller enters it into the audit log.

    Raises:
        InputError: Name, e-mail or role can't be used, or somebody has that name or e-mail.
    """
    name, email = name.strip(), email.strip().casefold()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise InputError(f"a name has 1 to {MAX_NAME_LENGTH} printable characters")
    if email and (len(email) > MAX_EMAIL_LENGTH or not re.fullmatch(r"[^\s@]+@[^\s@]+", email)):
        raise InputError(f"{email!r} is no e-mail address")
    check_role(role)
    if is_name_taken(connection, name):
        raise InputError(f"{name!r} exists already")
    try:
        with connection.begin_nested():
            return insert_user(connection, name, password_hash, role, now, email=email or None)
    except IntegrityError:
        raise InputError(f"{name!r} or {email!r} exists already") from None


def check_role(role: str) -> None:
    """Refuse what is no role.

    Raises:
        InputError: It isn't one of the four.
    """
    if role not in ROLES:
        raise InputError(f"role {role!r}: use one of {', '.join(ROLES)}")


def check_password(engine: Engine, name: str, password: str) -> UserRow | None:
    """Return the active person with this name and password, or ``None``.

    The work is the same whether or not there is such a person. It is done outside of transactions:
    a hash takes long enough for others to wait.
    """
    name = name.strip()
    with transaction(engine) as connection:
        stored = password_hash_of(connection, name)
    if not verify_password(stored, password) or stored is None:
        return None
    fresh = hash_password(password) if needs_rehash(stored) else None
    with transaction(engine) as connection:
        # Whose password was replaced in the meantime has to give the new one.
        if password_hash_of(connection, name) != stored:
            return None
        user = user_by_name(connection, name)
        if user is not None and fresh is not None:
            set_password_hash(connection, user.id, fresh)
    return user
