"""The people who sign in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from monitor.store.accounts.roles import Permission, may
from monitor.store.tables import Reviewer, ReviewerTaskType, ReviewItem


@dataclass(frozen=True)
class ReviewerRow:
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
    def manages_people(self) -> bool:
        """Whether this person invites others."""
        return may(self.role, Permission.MANAGE_PEOPLE)


_COLUMNS = (
    Reviewer.id,
    Reviewer.name,
    Reviewer.role,
    Reviewer.active,
    Reviewer.created_at,
    Reviewer.session_epoch,
    Reviewer.email,
    (Reviewer.password_hash != "").label("has_password"),
    Reviewer.identity.is_not(None).label("has_identity"),
)


def add_reviewer(
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
        insert(Reviewer)
        .values(
            name=name,
            password_hash=password_hash,
            role=role,
            active=True,
            email=email,
            session_epoch=0,
            created_at=now,
        )
        .returning(Reviewer.id)
    )
    return int(connection.execute(statement).scalar_one())


def set_password_hash(connection: Connection, reviewer_id: int, password_hash: str) -> None:
    """Replace a person's password."""
    _change(connection, reviewer_id, password_hash=password_hash)


def set_role(connection: Connection, reviewer_id: int, role: str) -> None:
    """Give a person another role."""
    _change(connection, reviewer_id, role=role)


def set_active(connection: Connection, reviewer_id: int, *, active: bool) -> None:
    """Let a person in, or no longer."""
    _change(connection, reviewer_id, active=active)


def set_identity(connection: Connection, reviewer_id: int, identity: str | None) -> None:
    """Bind a person to an identity of the provider; ``None`` unbinds."""
    _change(connection, reviewer_id, identity=identity)


def end_sessions(connection: Connection, reviewer_id: int) -> None:
    """Sign a person out everywhere: every session that exists is of an epoch that is over."""
    _change(connection, reviewer_id, session_epoch=Reviewer.session_epoch + 1)


def reviewer_by_id(
    connection: Connection, reviewer_id: int, *, lock: bool = False
) -> ReviewerRow | None:
    """Return a person, or ``None``; ``lock`` keeps others from changing them until commit."""
    statement = select(*_COLUMNS).where(Reviewer.id == reviewer_id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return ReviewerRow(*row) if row else None


def reviewer_by_name(connection: Connection, name: str) -> ReviewerRow | None:
    """Return a person, or ``None``."""
    return _one(connection, Reviewer.name == name)


def reviewer_by_identity(connection: Connection, identity: str) -> ReviewerRow | None:
    """Return the person whom an identity of the provider is bound to, or ``None``."""
    return _one(connection, Reviewer.identity == identity)


def reviewer_known_as(connection: Connection, claim: str) -> ReviewerRow | None:
    """Return the person with this e-mail, or of this name where no e-mail is known, or ``None``."""
    by_email = _one(connection, Reviewer.email == claim.casefold())
    return by_email or _one(connection, Reviewer.name == claim, Reviewer.email.is_(None))


def password_hash_of(connection: Connection, name: str) -> str | None:
    """Return the hash of an active person's password; ``None`` where there is none."""
    statement = select(Reviewer.password_hash).where(
        Reviewer.name == name, Reviewer.active.is_(True), Reviewer.password_hash != ""
    )
    return connection.execute(statement).scalar_one_or_none()


def list_reviewers(connection: Connection) -> list[ReviewerRow]:
    """Return everybody, in the order of their names."""
    rows = connection.execute(select(*_COLUMNS).order_by(Reviewer.name))
    return [ReviewerRow(*row) for row in rows]


def lock_usable_admins(connection: Connection) -> list[int]:
    """Return the ids of the admins who can sign in, and let nobody change them until commit."""
    statement = (
        select(Reviewer.id)
        .where(
            Reviewer.role == "admin",
            Reviewer.active.is_(True),
            or_(Reviewer.password_hash != "", Reviewer.identity.is_not(None)),
        )
        .order_by(Reviewer.id)
        .with_for_update()
    )
    return [int(one) for one in connection.scalars(statement)]


def name_is_taken(connection: Connection, name: str) -> bool:
    """Return whether somebody has this name, however it is capitalised."""
    wanted = name.casefold()
    return any(other.casefold() == wanted for other in connection.scalars(select(Reviewer.name)))


def task_types_of(connection: Connection, reviewer_id: int) -> frozenset[str]:
    """Return the task types that a person reviews; empty means all of them."""
    statement = select(ReviewerTaskType.task_type).where(
        ReviewerTaskType.reviewer_id == reviewer_id
    )
    return frozenset(connection.execute(statement).scalars())


def set_task_types(connection: Connection, reviewer_id: int, task_types: Iterable[str]) -> None:
    """Put a person on some task types only; on none of them in particular: on all."""
    connection.execute(delete(ReviewerTaskType).where(ReviewerTaskType.reviewer_id == reviewer_id))
    rows = [{"reviewer_id": reviewer_id, "task_type": one} for one in sorted(set(task_types))]
    if rows:
        connection.execute(insert(ReviewerTaskType), rows)


def known_task_types(connection: Connection) -> list[str]:
    """Return the task types that were ever queued for review or given to somebody, sorted."""
    found = set(connection.scalars(select(ReviewItem.task_type).distinct()))
    found |= set(connection.scalars(select(ReviewerTaskType.task_type).distinct()))
    return sorted(found - {""})


def _one(connection: Connection, *conditions: ColumnElement[bool]) -> ReviewerRow | None:
    row = connection.execute(select(*_COLUMNS).where(*conditions)).one_or_none()
    return ReviewerRow(*row) if row else None


def _change(connection: Connection, reviewer_id: int, **values: Any) -> None:
    connection.execute(update(Reviewer).where(Reviewer.id == reviewer_id).values(**values))
