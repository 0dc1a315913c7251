"""Passwords: argon2id hashes, checked in the same time whether or not the person exists."""

import secrets
from datetime import datetime
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from monitor.errors import InputError
from monitor.store.audit import append_entry
from monitor.store.reviewers import (
    ROLES,
    ReviewerRow,
    add_reviewer,
    password_hash_of,
    reviewer_by_name,
    set_password_hash,
)

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 1024
MAX_NAME_LENGTH = 80

_hasher = PasswordHasher()


def create_account(
    connection: Connection, name: str, password: str, role: str, now: datetime
) -> int:
    """Add a person who may sign in, and return their id.

    Raises:
        InputError: Name, password or role can't be used; the message says why.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise InputError(f"a name has 1 to {MAX_NAME_LENGTH} printable characters")
    if role not in ROLES:
        raise InputError(f"role {role!r}: use one of {', '.join(ROLES)}")
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise InputError(f"a password has at least {MIN_PASSWORD_LENGTH} characters")
    try:
        with connection.begin_nested():
            reviewer_id = add_reviewer(connection, name, _hasher.hash(password), role, now)
    except IntegrityError:
        raise InputError(f"{name!r} exists already") from None
    details = {"role": role}
    append_entry(
        connection, now, "driftwarden", "reviewer_added", f"reviewer:{name}", details=details
    )
    return reviewer_id


def generate_password() -> str:
    """Return a password nobody can guess."""
    return secrets.token_urlsafe(15)


def check_password(connection: Connection, name: str, password: str) -> ReviewerRow | None:
    """Return the active person with this name and password, or ``None``."""
    stored = password_hash_of(connection, name.strip())
    correct = _verify(stored or _decoy(), password[: MAX_PASSWORD_LENGTH + 1])
    if stored is None or not correct:
        return None
    person = reviewer_by_name(connection, name.strip())
    if person is not None and _hasher.check_needs_rehash(stored):
        set_password_hash(connection, person.id, _hasher.hash(password))
    return person


@lru_cache(maxsize=1)
def _decoy() -> str:
    return _hasher.hash(secrets.token_hex(16))


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
