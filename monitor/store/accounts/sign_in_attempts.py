"""Queries of failed sign-ins, counted across replicas. Keys are stored as digests only."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, case, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from monitor.store.tables import SignInAttempt


@dataclass(frozen=True)
class Attempts:
    """The failed sign-ins of a key."""

    failures: int = 0
    blocked_until: datetime | None = None


def blocked_until_latest(connection: Connection, keys: Sequence[str]) -> datetime | None:
    """Return the latest end of a block among some keys, or ``None``; writes nothing."""
    statement = select(func.max(SignInAttempt.blocked_until)).where(
        SignInAttempt.key.in_([_digest(key) for key in keys])
    )
    return connection.execute(statement).scalar_one()


def lock_attempts(connection: Connection, key: str, now: datetime) -> Attempts:
    """Return the failed sign-ins of a key, and lock it until the commit."""
    digest = _digest(key)
    statement = (
        select(SignInAttempt.failures, SignInAttempt.blocked_until)
        .where(SignInAttempt.key == digest)
        .with_for_update()
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        try:
            with connection.begin_nested():
                connection.execute(
                    insert(SignInAttempt).values(
                        key=digest, failures=0, blocked_until=None, last_at=now
                    )
                )
        except IntegrityError:  # another request of the same key was first
            row = connection.execute(statement).one_or_none()
    return Attempts(*row) if row else Attempts()


def save_attempts(connection: Connection, key: str, attempts: Attempts, now: datetime) -> None:
    """Write the failed sign-ins of a key."""
    connection.execute(
        update(SignInAttempt)
        .where(SignInAttempt.key == _digest(key))
        .values(failures=attempts.failures, blocked_until=attempts.blocked_until, last_at=now)
    )


def decrement_failures(connection: Connection, key: str, free: int) -> None:
    """Count one failure less after a success; lift the block below ``free`` failures only.

    Otherwise an attacker could lift each block by signing in to an account of their own.
    """
    one_less = SignInAttempt.failures - 1
    connection.execute(
        update(SignInAttempt)
        .where(SignInAttempt.key == _digest(key), SignInAttempt.failures > 0)
        .values(
            failures=one_less,
            blocked_until=case((one_less < free, None), else_=SignInAttempt.blocked_until),
        )
    )


def reset_attempts(connection: Connection, key: str) -> None:
    """Delete the failed sign-ins of a key."""
    connection.execute(delete(SignInAttempt).where(SignInAttempt.key == _digest(key)))


def trim_attempts(connection: Connection, *, older_than: datetime, capacity: int) -> None:
    """Delete old keys, and the oldest beyond ``capacity``.

    Locked keys are skipped, because waiting for them could cause a deadlock.
    """
    _forget(connection, select(SignInAttempt.key).where(SignInAttempt.last_at < older_than))
    surplus = count_attempts(connection) - capacity
    if surplus > 0:
        by_age = select(SignInAttempt.key).order_by(SignInAttempt.last_at)
        _forget(connection, by_age.limit(surplus))


def count_attempts(connection: Connection) -> int:
    """Return the number of stored keys."""
    return int(connection.execute(select(func.count()).select_from(SignInAttempt)).scalar_one())


def _forget(connection: Connection, keys: Select[str]) -> None:
    free = keys.with_for_update(skip_locked=True)
    connection.execute(delete(SignInAttempt).where(SignInAttempt.key.in_(free)))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
