"""Search of observations of rollouts, search and deletion of their unknown labels."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from monitor.store.rows import batches_of
from monitor.store.tables import RolloutLabel, RolloutObservation


def observed_exchanges(connection: Connection, users: Sequence[str]) -> set[str]:
    """Return the ids of the exchanges of end users that were observed."""
    ids: set[str] = set()
    for part in batches_of(users):
        statement = select(RolloutObservation.exchange_id)
        ids.update(
            connection.execute(statement.where(RolloutObservation.end_user.in_(part))).scalars()
        )
    return ids


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
