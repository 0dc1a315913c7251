"""Observations of rollouts: insertion in ingest's transaction, and counts of unknown labels."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError

from monitor.store.bulk_insert import insert_rows
from monitor.store.tables import RolloutLabel, RolloutObservation, metadata
from monitor.store.traffic.daily_counts import SampledCount
from monitor.store.traffic.position import Position

#: Labels of a rollout that are counted one by one; further ones are counted together.
MAX_LABELS = 50
OTHER_LABELS = "(other labels)"


@dataclass(frozen=True, kw_only=True)
class ObservationRow:
    """An observed exchange, redacted and measured."""

    rollout_id: int
    position: Position
    exchange_id: str
    occurred_at: datetime
    received_at: datetime
    model: str
    #: ``canary`` or ``stable``.
    arm: str
    task_type: str
    end_user: str
    inclusion_probability: float
    prompt: str
    response: str
    measures: Mapping[str, float]


@dataclass(frozen=True, order=True)
class LabelKey:
    """A label of exchanges of a rollout's model that names neither of its versions."""

    rollout_id: int
    #: Empty: the exchange names no version.
    label: str


LabelCounts = Mapping[LabelKey, SampledCount]

_TABLE = metadata.tables[RolloutObservation.__tablename__]
#: Columns of the same names.
_FIELDS = tuple(field.name for field in fields(ObservationRow) if field.name != "position")


def insert_observations(connection: Connection, rows: Sequence[ObservationRow]) -> int:
    """Insert observations; return the number of those that the database refuses.

    A refused batch is inserted row by row, so that one bad row stops no other.
    """
    values = [_values(row) for row in rows]
    if not values:
        return 0
    try:
        with connection.begin_nested():
            insert_rows(connection, _TABLE, values)
    except (DataError, IntegrityError):
        return sum(not _insert_alone(connection, value) for value in values)
    return 0


def add_labels(connection: Connection, counts: LabelCounts, now: datetime) -> None:
    """Add to the counts of unknown labels, in the transaction that moves the offsets."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # In a fixed order, so that replicas can't deadlock.
    for key, count in sorted(counts.items()):
        statement = dialect.insert(RolloutLabel).values(
            rollout_id=key.rollout_id,
            label=_counted_label(connection, key),
            count=count.n,
            estimated_total=count.estimated_total,
            last_seen_at=now,
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["rollout_id", "label"],
                set_={
                    "count": RolloutLabel.count + statement.excluded["count"],
                    "estimated_total": RolloutLabel.estimated_total
                    + statement.excluded["estimated_total"],
                    "last_seen_at": statement.excluded["last_seen_at"],
                },
            )
        )


def unknown_labels(connection: Connection, rollout_id: int) -> dict[str, SampledCount]:
    """Return how many exchanges carried each unknown label, the most frequent first."""
    rows = connection.execute(
        select(RolloutLabel.label, RolloutLabel.count, RolloutLabel.estimated_total)
        .where(RolloutLabel.rollout_id == rollout_id)
        .order_by(RolloutLabel.estimated_total.desc(), RolloutLabel.label)
    )
    return {label: SampledCount(n, total) for label, n, total in rows}


def _counted_label(connection: Connection, key: LabelKey) -> str:
    of_rollout = RolloutLabel.rollout_id == key.rollout_id
    known = select(RolloutLabel.label).where(of_rollout, RolloutLabel.label == key.label)
    if connection.execute(known).one_or_none() is not None:
        return key.label
    n_labels = connection.execute(select(func.count()).where(of_rollout)).scalar_one()
    return key.label if n_labels < MAX_LABELS else OTHER_LABELS


def _insert_alone(connection: Connection, value: Mapping[str, Any]) -> bool:
    try:
        with connection.begin_nested():
            insert_rows(connection, _TABLE, [value])
    except (DataError, IntegrityError):
        return False
    return True


def _values(row: ObservationRow) -> dict[str, Any]:
    return asdict(row.position) | {name: getattr(row, name) for name in _FIELDS}
