"""Search and deletion of observations of rollouts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, or_, select

from monitor.store.rows import batches_of
from monitor.store.tables import RolloutLabel, RolloutObservation

#: Rows searched in one transaction.
ROWS_PER_SCAN = 20_000


def observations_of_end_user(
    connection: Connection, users: Sequence[str], exchange_ids: Sequence[str]
) -> list[int]:
    """Return the observations of end users, and observations by the ids of their exchanges."""
    ids: set[int] = set()
    for column, values in (
        (RolloutObservation.end_user, users),
        (RolloutObservation.exchange_id, exchange_ids),
    ):
        for part in batches_of(values):
            statement = select(RolloutObservation.id).where(column.in_(part))
            ids.update(connection.execute(statement).scalars())
    return sorted(ids)


def observed_exchanges(connection: Connection, users: Sequence[str]) -> set[str]:
    """Return the ids of the exchanges of end users that were observed."""
    ids: set[str] = set()
    for part in batches_of(users):
        statement = select(RolloutObservation.exchange_id)
        ids.update(
            connection.execute(statement.where(RolloutObservation.end_user.in_(part))).scalars()
        )
    return ids


def last_observation_id(connection: Connection) -> int:
    """Return the highest id of an observation; 0 where there is none."""
    return connection.execute(select(func.max(RolloutObservation.id))).scalar_one() or 0


def observations_containing(
    connection: Connection, needle: str, after_id: int
) -> list[tuple[int, tuple[str, ...]]]:
    """Return observations among the next :data:`ROWS_PER_SCAN` ids whose texts contain a string.

    The search ignores case. Each comes with its prompt, its response and its exchange's id.
    """
    columns = (
        RolloutObservation.prompt,
        RolloutObservation.response,
        RolloutObservation.exchange_id,
    )
    statement = select(RolloutObservation.id, *columns).where(
        RolloutObservation.id > after_id,
        RolloutObservation.id <= after_id + ROWS_PER_SCAN,
        or_(*(column.icontains(needle, autoescape=True) for column in columns)),
    )
    return [(row[0], tuple(row[1:])) for row in connection.execute(statement)]


def delete_observations(connection: Connection, ids: Sequence[int]) -> int:
    """Delete observations with their scores; return their number.

    Figures of looks stay: they are sums over all end users.
    """
    deleted = 0
    for part in batches_of(ids):
        statement = delete(RolloutObservation).where(RolloutObservation.id.in_(part))
        deleted += connection.execute(statement).rowcount
    return deleted


def all_labels(connection: Connection) -> list[tuple[int, str]]:
    """Return the unknown labels of all rollouts, each with its rollout."""
    rows = connection.execute(select(RolloutLabel.rollout_id, RolloutLabel.label))
    return [(row[0], row[1]) for row in rows]


def delete_label(connection: Connection, rollout_id: int, label: str) -> None:
    """Delete the count of an unknown label."""
    connection.execute(
        delete(RolloutLabel).where(
            RolloutLabel.rollout_id == rollout_id, RolloutLabel.label == label
        )
    )


def delete_expired_observations(connection: Connection, before: datetime, limit: int) -> int:
    """Delete observations received before a time, with their scores; return their number."""
    expired = (
        select(RolloutObservation.id)
        .where(RolloutObservation.received_at < before)
        .order_by(RolloutObservation.received_at, RolloutObservation.id)
        .limit(limit)
    )
    return delete_observations(connection, list(connection.execute(expired).scalars()))
