"""Roles of users, on models and task types."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from monitor.store.accounts.grants import ALL_MODELS, Grant, save_grant
from monitor.store.accounts.users import insert_user


def give_role(
    connection: Connection,
    user_id: int,
    role: str = "reviewer",
    task_types: Iterable[str] = (),
    model: str = ALL_MODELS,
) -> None:
    """Give a user a role on a model, or on all models."""
    save_grant(connection, user_id, Grant(model, role, frozenset(task_types)))


def add_reviewer(connection: Connection, name: str, now: datetime, role: str = "reviewer") -> int:
    """Add a user who can't sign in, with a role on all models."""
    user_id = insert_user(connection, name, "", now)
    give_role(connection, user_id, role)
    return user_id
