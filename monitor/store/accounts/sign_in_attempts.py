"""Failed sign-ins, counted for all replicas. Keys are digests: people type passwords as names."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, case, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from monitor.store.tables import SignInAttempt


@dataclass(frozen=True)
class Attempts:
    """What is known of a key."""

    failures: int = 0
    blocked_until: datetime | None = None


def blocked_until_latest(connection: Connection, keys: Sequence[str]) -> datetime | None:
    """Return until when the longest blocked of some keys is blocked; writes nothing."""
    statement = select(func.max(SignInAttempt.blocked_until)).where(
        SignInAttempt.key.in_([_digest(key) for key in keys])
    )
    return connection.execute(statement).scalar_one()


def lock_attempts(connection: Connection, key: str, now: datetime) -> Attempts:
    """Return what is known of a key, and let nobody else count on it until commit."""
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
    """Write what is known of a key."""
    connection.execute(
        update(SignInAttempt)
        .where(SignInAttempt.key == _digest(key))
        .values(failures=attempts.failures, blocked_until=attempts.blocked_until, last_at=now)
    )


def decrement_failures(connection: Connection, key: str, free: int) -> None:
    """Count one failure less, since the attempt succeeded; where ``free`` stay, so does the wait.

    Else a guesser with an account of their own could lift each wait by signing in.
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
    """Forget a key."""
    connection.execute(delete(SignInAttempt).where(SignInAttempt.key == _digest(key)))


def trim_attempts(connection: Connection, *, older_than: datetime, capacity: int) -> None:
    """Forget what is old, and the oldest of what is more than ``capacity`` keys.

    Keys that somebody counts on at this moment are left: to wait for them could be a deadlock.
    """
    _forget(connection, select(SignInAttempt.key).where(SignInAttempt.last_at < older_than))
    surplus = count_attempts(connection) - capacity
    if surplus > 0:
        by_age = select(SignInAttempt.key).order_by(SignInAttempt.last_at)
        _forget(connection, by_age.limit(surplus))


def count_attempts(connection: Connection) -> int:
    """Return the number of keys that are remembered."""
    return int(connection.execute(select(func.count()).select_from(SignInAttempt)).scalar_one())


def _forget(connection: Connection, keys: Select[str]) -> None:
    free = keys.with_for_update(skip_locked=True)
    connection.execute(delete(SignInAttempt).where(SignInAttempt.key.in_(free)))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
