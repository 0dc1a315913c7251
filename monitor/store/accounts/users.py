"""Queries of users."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from monitor.store.accounts.roles import Permission, may
from monitor.store.rows import columns_of, read_row, read_rows
from monitor.store.tables import ReviewItem, User, UserTaskType


@dataclass(frozen=True)
class UserRow:
    """A user without the password hash.

    Attributes:
        session_epoch: Advances when all sessions of the user have to end.
        email: Address at the sign-on provider; ``None``: unknown.
        has_password: Whether a password is set.
        has_identity: Whether an identity of the provider is bound to the user.
    """

    id: int
    name: str
    role: str
    active: bool
    created_at: datetime
    session_epoch: int = 0
    email: str | None = None
    has_password: bool = True
    has_identity: bool = False

    @property
    def leads(self) -> bool:
        """Whether the user sees the progress of others and confirms decisions."""
        return may(self.role, Permission.LEAD)

    @property
    def adjudicates(self) -> bool:
        """Whether the user decides where two reviewers disagree."""
        return may(self.role, Permission.ADJUDICATE)

    @property
    def manages_users(self) -> bool:
        """Whether the user invites others."""
        return may(self.role, Permission.MANAGE_USERS)


_COLUMNS = columns_of(
    UserRow, User, has_password=User.password_hash != "", has_identity=User.identity.is_not(None)
)


def insert_user(
    connection: Connection,
    name: str,
    password_hash: str,
    role: str,
    now: datetime,
    *,
    email: str | None = None,
) -> int:
    """Insert a user and return the id.

    A name or an e-mail address that is taken raises ``IntegrityError``. A user without a password
    hash can't sign in by password.
    """
    statement = (
        insert(User)
        .values(
            name=name,
            password_hash=password_hash,
            role=role,
            active=True,
            email=email,
            session_epoch=0,
            created_at=now,
        )
        .returning(User.id)
    )
    return int(connection.execute(statement).scalar_one())


def set_password_hash(connection: Connection, user_id: int, password_hash: str) -> None:
    """Replace a user's password hash."""
    _change(connection, user_id, password_hash=password_hash)


def set_role(connection: Connection, user_id: int, role: str) -> None:
    """Set a user's role."""
    _change(connection, user_id, role=role)


def set_active(connection: Connection, user_id: int, *, active: bool) -> None:
    """Activate or deactivate a user."""
    _change(connection, user_id, active=active)


def set_identity(connection: Connection, user_id: int, identity: str | None) -> None:
    """Bind a user to an identity of the sign-on provider; ``None`` unbinds."""
    _change(connection, user_id, identity=identity)


def revoke_sessions(connection: Connection, user_id: int) -> None:
    """End all sessions of a user by advancing the session epoch."""
    _change(connection, user_id, session_epoch=User.session_epoch + 1)


def user_by_id(connection: Connection, user_id: int, *, lock: bool = False) -> UserRow | None:
    """Return a user, or ``None``; ``lock`` locks the row until the commit."""
    statement = select(*_COLUMNS).where(User.id == user_id)
    return read_row(connection, UserRow, statement.with_for_update() if lock else statement)


def user_by_name(connection: Connection, name: str) -> UserRow | None:
    """Return a user, or ``None``."""
    return _one(connection, User.name == name)


def user_by_identity(connection: Connection, identity: str) -> UserRow | None:
    """Return the user bound to an identity of the sign-on provider, or ``None``."""
    return _one(connection, User.identity == identity)


def user_by_claim(connection: Connection, claim: str) -> UserRow | None:
    """Return the user with an e-mail address, or with a name and no address, or ``None``."""
    by_email = _one(connection, User.email == claim.casefold())
    return by_email or _one(connection, User.name == claim, User.email.is_(None))


def password_hash_of(connection: Connection, name: str) -> str | None:
    """Return the password hash of an active user; ``None`` without a password."""
    statement = select(User.password_hash).where(
        User.name == name, User.active.is_(True), User.password_hash != ""
    )
    return connection.execute(statement).scalar_one_or_none()


def list_users(connection: Connection) -> list[UserRow]:
    """Return all users, ordered by name."""
    return read_rows(connection, UserRow, select(*_COLUMNS).order_by(User.name))


def lock_admins_able_to_sign_in(connection: Connection) -> list[int]:
    """Return the ids of the admins who can sign in, and lock their rows until the commit."""
    statement = (
        select(User.id)
        .where(
            User.role == "admin",
            User.active.is_(True),
            or_(User.password_hash != "", User.identity.is_not(None)),
        )
        .order_by(User.id)
        .with_for_update()
    )
    return [int(user_id) for user_id in connection.scalars(statement)]


def is_name_taken(connection: Connection, name: str) -> bool:
    """Return whether a user has this name, in any case."""
    wanted = name.casefold()
    return any(other.casefold() == wanted for other in connection.scalars(select(User.name)))


def task_types_of(connection: Connection, user_id: int) -> frozenset[str]:
    """Return the task types that a user reviews; an empty set means all."""
    statement = select(UserTaskType.task_type).where(UserTaskType.user_id == user_id)
    return frozenset(connection.execute(statement).scalars())


def set_task_types(connection: Connection, user_id: int, task_types: Iterable[str]) -> None:
    """Replace the task types that a user reviews; an empty set means all."""
    connection.execute(delete(UserTaskType).where(UserTaskType.user_id == user_id))
    rows = [{"user_id": user_id, "task_type": name} for name in sorted(set(task_types))]
    if rows:
        connection.execute(insert(UserTaskType), rows)


def known_task_types(connection: Connection) -> list[str]:
    """Return all task types that were queued for review or assigned to a user, sorted."""
    names = set(connection.scalars(select(ReviewItem.task_type).distinct()))
    names |= set(connection.scalars(select(UserTaskType.task_type).distinct()))
    return sorted(names - {""})


def _one(connection: Connection, *conditions: ColumnElement[bool]) -> UserRow | None:
    return read_row(connection, UserRow, select(*_COLUMNS).where(*conditions))


def _change(connection: Connection, user_id: int, **values: Any) -> None:
    connection.execute(update(User).where(User.id == user_id).values(**values))
