"""Lookup of the users that commands name."""

from typing import TYPE_CHECKING

from monitor.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from monitor.store.accounts.users import UserRow


def require_user(connection: "Connection", name: str) -> "UserRow":
    """Return a user; ``InputError`` where none has the name."""
    from monitor.store.accounts.users import user_by_name

    user = user_by_name(connection, name)
    if user is None:
        raise InputError(
            f"unknown user: {name!r}; `driftwarden accounts list` shows all", code="unknown_user"
        )
    return user
