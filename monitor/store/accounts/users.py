"""The people who sign in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from monitor.store.accounts.roles import Permission, may
from monitor.store.tables import ReviewItem, User, UserTaskType


@dataclass(frozen=True)
class UserRow:
    """A person, without the password's hash.

    Attributes:
        session_epoch: Counts up whenever every session of the person has to end.
        email: What single sign-on knows the person by; ``None``: not known.
        has_password: Whether a password has been set.
        has_identity: Whether an identity of the provider is bound to the person.
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
        """Whether this person sees the progress of others and confirms decisions."""
        return may(self.role, Permission.LEAD)

    @property
    def adjudicates(self) -> bool:
        """Whether this person decides where two reviewers don't agree."""
        return may(self.role, Permission.ADJUDICATE)

    @property
    def manages_users(self) -> bool:
        """Whether this person invites others."""
        return may(self.role, Permission.MANAGE_USERS)


_COLUMNS = (
    User.id,
    User.name,
    User.role,
    User.active,
    User.created_at,
    User.session_epoch,
    User.email,
    (User.password_hash != "").label("has_password"),
    User.identity.is_not(None).label("has_identity"),
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
    """Insert a person and return their id.

    A name or an e-mail that is taken raises ``IntegrityError``. Without a password's hash the
    person can't sign in by password.
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
    """Replace a person's password."""
    _change(connection, user_id, password_hash=password_hash)


def set_role(connection: Connection, user_id: int, role: str) -> None:
    """Give a person another role."""
    _change(connection, user_id, role=role)


def set_active(connection: Connection, user_id: int, *, active: bool) -> None:
    """Let a person in, or no longer."""
    _change(connection, user_id, active=active)


def set_identity(connection: Connection, user_id: int, identity: str | None) -> None:
    """Bind a person to an identity of the provider; ``None`` unbinds."""
    _change(connection, user_id, identity=identity)


def revoke_sessions(connection: Connection, user_id: int) -> None:
    """Sign a person out everywhere: every session that exists is of an epoch that is over."""
    _change(connection, user_id, session_epoch=User.session_epoch + 1)


def user_by_id(connection: Connection, user_id: int, *, lock: bool = False) -> UserRow | None:
    """Return a person, or ``None``; ``lock`` keeps others from changing them until commit."""
    statement = select(*_COLUMNS).where(User.id == user_id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return UserRow(*row) if row else None


def user_by_name(connection: Connection, name: str) -> UserRow | None:
    """Return a person, or ``None``."""
    return _one(connection, User.name == name)


def user_by_identity(connection: Connection, identity: str) -> UserRow | None:
    """Return the person whom an identity of the provider is bound to, or ``None``."""
    return _one(connection, User.identity == identity)


def user_by_claim(connection: Connection, claim: str) -> UserRow | None:
    """Return the person with this e-mail, or of this name where no e-mail is known, or ``None``."""
    by_email = _one(connection, User.email == claim.casefold())
    return by_email or _one(connection, User.name == claim, User.email.is_(None))


def password_hash_of(connection: Connection, name: str) -> str | None:
    """Return the hash of an active person's password; ``None`` where there is none."""
    statement = select(User.password_hash).where(
        User.name == name, User.active.is_(True), User.password_hash != ""
    )
    return connection.execute(statement).scalar_one_or_none()


def list_users(connection: Connection) -> list[UserRow]:
    """Return everybody, in the order of their names."""
    rows = connection.execute(select(*_COLUMNS).order_by(User.name))
    return [UserRow(*row) for row in rows]


def lock_admins_able_to_sign_in(connection: Connection) -> list[int]:
    """Return the ids of the admins who can sign in, and let nobody change them until commit."""
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
    return [int(one) for one in connection.scalars(statement)]


def is_name_taken(connection: Connection, name: str) -> bool:
    """Return whether somebody has this name, however it is capitalised."""
    wanted = name.casefold()
    return any(other.casefold() == wanted for other in connection.scalars(select(User.name)))


def task_types_of(connection: Connection, user_id: int) -> frozenset[str]:
    """Return the task types that a person reviews; empty means all of them."""
    statement = select(UserTaskType.task_type).where(UserTaskType.user_id == user_id)
    return frozenset(connection.execute(statement).scalars())


def set_task_types(connection: Connection, user_id: int, task_types: Iterable[str]) -> None:
    """Put a person on some task types only; on none of them in particular: on all."""
    connection.execute(delete(UserTaskType).where(UserTaskType.user_id == user_id))
    rows = [{"user_id": user_id, "task_type": one} for one in sorted(set(task_types))]
    if rows:
        connection.execute(insert(UserTaskType), rows)


def known_task_types(connection: Connection) -> list[str]:
    """Return the task types that were ever queued for review or given to somebody, sorted."""
    found = set(connection.scalars(select(ReviewItem.task_type).distinct()))
    found |= set(connection.scalars(select(UserTaskType.task_type).distinct()))
    return sorted(found - {""})


def _one(connection: Connection, *conditions: ColumnElement[bool]) -> UserRow | None:
    row = connection.execute(select(*_COLUMNS).where(*conditions)).one_or_none()
    return UserRow(*row) if row else None


def _change(connection: Connection, user_id: int, **values: Any) -> None:
    connection.execute(update(User).where(User.id == user_id).values(**values))
