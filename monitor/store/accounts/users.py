"""Queries of users."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, or_, select

from monitor.store.accounts.grants import Grant, Grants
from monitor.store.accounts.roles import Permission
from monitor.store.model_sets import ModelSet, of_models
from monitor.store.rows import columns_of, insert_row, update_row
from monitor.store.tables import ReviewBatch, ReviewItem, User, UserGrant


@dataclass(frozen=True)
class Account:
    """The columns of a user, without the password hash."""

    id: int
    name: str
    active: bool
    created_at: datetime
    #: Advances when all sessions of the user have to end.
    session_epoch: int = 0
    #: Address at the sign-on provider; ``None``: unknown.
    email: str | None = None
    has_password: bool = True
    #: Whether an identity of the provider is bound to the user.
    has_identity: bool = False
    #: Id at Slack; ``None``: the user can't press buttons there.
    slack_user_id: str | None = None


@dataclass(frozen=True)
class UserRow(Account):
    """A user with the grants."""

    grants: Grants = field(default_factory=lambda: Grants({}))

    @property
    def led_models(self) -> ModelSet:
        """The models of which the user sees the progress and confirms decisions."""
        return self.grants.models(Permission.LEAD)

    @property
    def visible_models(self) -> ModelSet:
        """The models whose items the user reviews and whose pages the user reads."""
        return self.grants.models(Permission.READ)

    @property
    def manages_users(self) -> bool:
        """Whether the user invites others, to some model."""
        return bool(self.grants.models(Permission.MANAGE_USERS))

    def is_lead_of(self, model: str) -> bool:
        """Return whether the user is a lead of a model, or an admin."""
        return self.grants.may(Permission.LEAD, model)

    def is_adjudicator_of(self, model: str) -> bool:
        """Return whether the user decides where two reviewers of a model disagree."""
        return self.grants.may(Permission.ADJUDICATE, model)

    def works_on(self, model: str, task_type: str) -> bool:
        """Return whether the user reviews items of a model and a task type."""
        grant = self.grants.on(model)
        return grant is not None and (not grant.task_types or task_type in grant.task_types)


_COLUMNS = columns_of(
    Account, User, has_password=User.password_hash != "", has_identity=User.identity.is_not(None)
)
#: A row for each grant of a user, or one without.
_USERS = (
    select(*_COLUMNS, UserGrant.model, UserGrant.role, UserGrant.task_types)
    .select_from(User)
    .outerjoin(UserGrant, UserGrant.user_id == User.id)
)
_BY_ID = _USERS.where(User.id == bindparam("user_id"))


def insert_user(
    connection: Connection,
    name: str,
    password_hash: str,
    now: datetime,
    *,
    email: str | None = None,
) -> int:
    """Insert a user without grants and return the id.

    A name or an e-mail address that is taken raises ``IntegrityError``. A user without a password
    hash can't sign in by password.
    """
    return insert_row(
        connection,
        User,
        name=name,
        password_hash=password_hash,
        active=True,
        email=email,
        session_epoch=0,
        created_at=now,
    )


def set_password_hash(connection: Connection, user_id: int, password_hash: str) -> None:
    """Replace a user's password hash."""
    _change(connection, user_id, password_hash=password_hash)


def set_active(connection: Connection, user_id: int, *, active: bool) -> None:
    """Activate or deactivate a user."""
    _change(connection, user_id, active=active)


def set_identity(connection: Connection, user_id: int, identity: str | None) -> None:
    """Bind a user to an identity of the sign-on provider; ``None`` unbinds."""
    _change(connection, user_id, identity=identity)


def set_slack_user_id(connection: Connection, user_id: int, slack_user_id: str | None) -> None:
    """Link a user to an id at Slack; ``None`` unlinks. A linked id raises ``IntegrityError``."""
    _change(connection, user_id, slack_user_id=slack_user_id)


def revoke_sessions(connection: Connection, user_id: int) -> None:
    """End all sessions of a user by advancing the session epoch."""
    _change(connection, user_id, session_epoch=User.session_epoch + 1)


def user_by_id(connection: Connection, user_id: int, *, lock: bool = False) -> UserRow | None:
    """Return a user, or ``None``; ``lock`` locks the row until the commit."""
    if lock:  # before the grants are read, which another transaction may be changing
        connection.execute(select(User.id).where(User.id == user_id).with_for_update())
    return next(iter(_read(connection, _BY_ID, {"user_id": user_id})), None)


def user_by_name(connection: Connection, name: str) -> UserRow | None:
    """Return a user, or ``None``."""
    return _one(connection, _where(User.name == name))


def user_by_identity(connection: Connection, identity: str) -> UserRow | None:
    """Return the user bound to an identity of the sign-on provider, or ``None``."""
    return _one(connection, _where(User.identity == identity))


def user_by_slack_id(connection: Connection, slack_user_id: str) -> UserRow | None:
    """Return the user linked to an id at Slack, or ``None``."""
    return _one(connection, _where(User.slack_user_id == slack_user_id))


def user_by_claim(connection: Connection, claim: str) -> UserRow | None:
    """Return the user with an e-mail address, or with a name and no address, or ``None``."""
    by_email = _one(connection, _where(User.email == claim.casefold()))
    return by_email or _one(connection, _where(User.name == claim, User.email.is_(None)))


def password_hash_of(connection: Connection, name: str) -> str | None:
    """Return the password hash of an active user; ``None`` without a password."""
    statement = select(User.password_hash).where(
        User.name == name, User.active.is_(True), User.password_hash != ""
    )
    return connection.execute(statement).scalar_one_or_none()


def list_users(connection: Connection) -> list[UserRow]:
    """Return all users, ordered by name."""
    return _read(connection, _USERS.order_by(User.name))


def lock_admins_able_to_sign_in(connection: Connection) -> list[int]:
    """Return the ids of the admins who can sign in, and lock their rows until the commit."""
    statement = (
        select(User.id)
        .join(UserGrant, UserGrant.user_id == User.id)
        .where(
            UserGrant.role == "admin",
            User.active.is_(True),
            or_(User.password_hash != "", User.identity.is_not(None)),
        )
        .order_by(User.id)
        .with_for_update()
    )
    return [int(user_id) for user_id in connection.scalars(statement)]


def user_names(connection: Connection) -> list[str]:
    """Return the names of all users."""
    return list(connection.scalars(select(User.name)))


def is_name_taken(connection: Connection, name: str) -> bool:
    """Return whether a user has this name, in any case."""
    wanted = name.casefold()
    return any(other.casefold() == wanted for other in connection.scalars(select(User.name)))


def known_task_types(connection: Connection, models: ModelSet) -> list[str]:
    """Return all task types that were queued for review or assigned to a user, sorted."""
    queued = select(ReviewItem.task_type).join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
    names = set(connection.scalars(queued.where(*of_models(ReviewBatch.model, models)).distinct()))
    assigned = select(UserGrant.task_types).where(*of_models(UserGrant.model, models))
    names.update(*connection.scalars(assigned))
    return sorted(names - {""})


def _where(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return _USERS.where(*conditions)


def _one(connection: Connection, statement: Select[*tuple[Any, ...]]) -> UserRow | None:
    return next(iter(_read(connection, statement)), None)


def _read(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    values: Mapping[str, Any] | None = None,
) -> list[UserRow]:
    grants: dict[Account, list[Grant]] = {}
    for *account, model, role, task_types in connection.execute(statement, values):
        own = grants.setdefault(Account(*account), [])
        if role is not None:
            own.append(Grant(model, role, frozenset(task_types)))
    return [UserRow(**vars(account), grants=Grants.of(own)) for account, own in grants.items()]


def _change(connection: Connection, user_id: int, **values: Any) -> None:
    update_row(connection, User, user_id, **values)
