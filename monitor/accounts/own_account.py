"""Changes that users make to their own account: a new password, the end of their other sessions."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor.accounts.passwords import check_strength, hash_password
from monitor.errors import InputError, WorkflowError
from monitor.store.accounts.invitations import revoke_invitations
from monitor.store.accounts.users import (
    UserRow,
    revoke_sessions,
    set_password_hash,
    user_by_id,
)
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction


def change_password(engine: Engine, user: UserRow, old: str, new: str, now: datetime) -> UserRow:
    """Replace a user's password, and end all sessions and one-time links.

    The old password is right; ``user`` was read when it was checked. Return the user with the epoch
    of new sessions.

    Raises:
        InputError: The new password is refused, or is the old one.
        WorkflowError: The password was changed, or the sessions were ended, in the meantime.
    """
    check_strength(new, user.name)
    if new == old:
        raise InputError("the new password is the old one; choose another", code="same_password")
    password_hash = hash_password(new)
    with transaction(engine) as connection:
        _lock_unchanged(connection, user)
        set_password_hash(connection, user.id, password_hash)
        revoke_invitations(connection, user.id, now)
        return _end_sessions(connection, user, "password_changed", now)


def end_sessions(engine: Engine, user: UserRow, now: datetime) -> UserRow:
    """End a user's sessions; ``WorkflowError`` where they were ended in the meantime."""
    with transaction(engine) as connection:
        _lock_unchanged(connection, user)
        return _end_sessions(connection, user, "sessions_ended", now)


def _lock_unchanged(connection: Connection, user: UserRow) -> None:
    current = user_by_id(connection, user.id, lock=True)
    if (
        current is None
        or not current.active
        or (current.session_epoch, current.has_password) != (user.session_epoch, user.has_password)
    ):
        raise WorkflowError("your sessions were ended; sign in again", code="session_ended")


def _end_sessions(connection: Connection, user: UserRow, action: str, now: datetime) -> UserRow:
    revoke_sessions(connection, user.id)
    append_entry(connection, now, user.name, action, f"user:{user.name}")
    return replace(user, session_epoch=user.session_epoch + 1)
