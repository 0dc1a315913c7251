"""Search and deletion of observations of rollouts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from monitor.store.privacy import numbered_rows
from monitor.store.rows import batches_of
from monitor.store.tables import RolloutLabel, RolloutObservation


def observations_of_end_user(
    connection: Connection, users: Sequence[str], exchange_ids: Sequence[str]
) -> set[int]:
    """Return the observations of end users, and observations by the ids of their exchanges."""
    table = RolloutObservation
    return numbered_rows.ids_with(
        connection, table, table.end_user, users
    ) | numbered_rows.ids_with(connection, table, table.exchange_id, exchange_ids)


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
    return numbered_rows.last_id(connection, RolloutObservation)


def observations_containing(
    connection: Connection, needle: str, after_id: int
) -> list[tuple[int, tuple[str, ...]]]:
    """Return the observations of a scan whose texts contain a string.

    Each comes with its prompt, its response and its exchange's id.
    """
    table = RolloutObservation
    columns = (table.prompt, table.response, table.exchange_id)
    return numbered_rows.rows_containing(connection, table, columns, needle, after_id)


def delete_observations(connection: Connection, ids: Sequence[int]) -> int:
    """Delete observations with their scores; return their number.

    Figures of looks stay: they are sums over all end users.
    """
    return numbered_rows.delete_rows(connection, RolloutObservation, ids)


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
