"""Sign-in by password."""

from sqlalchemy import Engine

from monitor.accounts.passwords import hash_password, needs_rehash, verify_password
from monitor.store.accounts.users import (
    UserRow,
    password_hash_of,
    set_password_hash,
    user_by_name,
)
from monitor.store.engine import transaction


def authenticate(engine: Engine, name: str, password: str) -> UserRow | None:
    """Return the active user with this name and password, or ``None``.

    Unknown names cost the same work as known ones. The hash is computed outside of transactions,
    because it takes long enough to keep other requests waiting.
    """
    name = name.strip()
    with transaction(engine) as connection:
        stored = password_hash_of(connection, name)
    if not verify_password(stored, password) or stored is None:
        return None
    new_hash = hash_password(password) if needs_rehash(stored) else None
    with transaction(engine) as connection:
        # If the password was replaced in the meantime, only the new one signs in.
        if password_hash_of(connection, name) != stored:
            return None
        user = user_by_name(connection, name)
        if user is not None and new_hash is not None:
            set_password_hash(connection, user.id, new_hash)
    return user
