"""The people who sign in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from monitor.store.tables import Reviewer, ReviewerTaskType

ROLES = ("reviewer", "adjudicator", "lead", "admin")


@dataclass(frozen=True)
class ReviewerRow:
    """A person, without the password's hash."""

    id: int
    name: str
    role: str
    active: bool
    created_at: datetime

    @property
    def leads(self) -> bool:
        """Whether this person sees the progress of others and confirms decisions."""
        return self.role in {"lead", "admin"}

    @property
    def adjudicates(self) -> bool:
        """Whether this person decides where two reviewers don't agree."""
        return self.role in {"adjudicator", "lead", "admin"}


_COLUMNS = (Reviewer.id, Reviewer.name, Reviewer.role, Reviewer.active, Reviewer.created_at)


def add_reviewer(
    connection: Connection, name: str, password_hash: str, role: str, now: datetime
) -> int:
    """Insert a person and return their id; a name that is taken raises ``IntegrityError``."""
    statement = (
        insert(Reviewer)
        .values(name=name, password_hash=password_hash, role=role, active=True, created_at=now)
        .returning(Reviewer.id)
    )
    return int(connection.execute(statement).scalar_one())


def set_password_hash(connection: Connection, reviewer_id: int, password_hash: str) -> None:
    """Replace a person's password."""
    connection.execute(
        update(Reviewer).where(Reviewer.id == reviewer_id).values(password_hash=password_hash)
    )


def reviewer_by_id(connection: Connection, reviewer_id: int) -> ReviewerRow | None:
    """Return a person, or ``None``."""
    row = connection.execute(select(*_COLUMNS).where(Reviewer.id == reviewer_id)).one_or_none()
    return ReviewerRow(*row) if row else None


def reviewer_by_name(connection: Connection, name: str) -> ReviewerRow | None:
    """Return a person, or ``None``."""
    row = connection.execute(select(*_COLUMNS).where(Reviewer.name == name)).one_or_none()
    return ReviewerRow(*row) if row else None


def password_hash_of(connection: Connection, name: str) -> str | None:
    """Return the hash of an active person's password; ``None`` where there is no such person."""
    statement = select(Reviewer.password_hash).where(
        Reviewer.name == name, Reviewer.active.is_(True)
    )
    return connection.execute(statement).scalar_one_or_none()


def list_reviewers(connection: Connection) -> list[ReviewerRow]:
    """Return everybody, in the order of their names."""
    rows = connection.execute(select(*_COLUMNS).order_by(Reviewer.name))
    return [ReviewerRow(*row) for row in rows]


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
