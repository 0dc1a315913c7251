"""Facts that the conditions of incidents are checked on; each query reads a few rows."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, select, union_all

from monitor.store.model_sets import Models, of_models
from monitor.store.review.waiting import standing_decisions
from monitor.store.rows import columns_of, read_row, read_rows
from monitor.store.tables import (
    DriftEvaluation,
    Exchange,
    GoldExample,
    Review,
    ReviewBatch,
    ReviewItem,
    ReviewMessage,
    ReviewProposal,
    SourceOffset,
    TrainingRun,
)
from monitor.store.training.waiting import is_attempt

#: Statuses of review items that wait for somebody.
OPEN_ITEMS = ("queued", "disagreed", "adjudication", "flagged")


@dataclass(frozen=True)
class WindowState:
    """The state of the drift evaluation of a window."""

    id: int
    window_start: datetime
    window_end: datetime
    status: str
    error: str | None
    claimed_until: datetime


def window_states_of(
    connection: Connection, model: str, statuses: tuple[str, ...]
) -> list[WindowState]:
    """Return the evaluations of a model in some statuses, the newest window first."""
    statement = (
        select(*columns_of(WindowState, DriftEvaluation))
        .where(DriftEvaluation.model == model, DriftEvaluation.status.in_(statuses))
        .order_by(DriftEvaluation.window_end.desc())
    )
    return read_rows(connection, WindowState, statement)


def has_traffic(
    connection: Connection, model: str, start: datetime, end: datetime, *, at_least: int = 1
) -> bool:
    """Return whether at least so many sampled exchanges of a model lie in ``[start, end)``."""
    statement = (
        select(Exchange.id)
        .where(
            Exchange.model == model,
            Exchange.baseline_id.is_(None),
            Exchange.occurred_at >= start,
            Exchange.occurred_at < end,
        )
        .limit(1)
        .offset(at_least - 1)
    )
    return connection.execute(statement).one_or_none() is not None


@dataclass(frozen=True)
class PartitionProgress:
    """The stored position of a partition, and when it was last known to be right."""

    partition: int
    next_offset: int
    #: When it moved.
    updated_at: datetime
    #: All records written before are stored.
    caught_up_at: datetime | None


def progress_of(connection: Connection, source: str) -> list[PartitionProgress]:
    """Return the progress of each partition of a source."""
    statement = (
        select(*columns_of(PartitionProgress, SourceOffset))
        .where(SourceOffset.source == source)
        .order_by(SourceOffset.partition)
    )
    return read_rows(connection, PartitionProgress, statement)


def has_source(connection: Connection) -> bool:
    """Return whether anything was ever read, of a topic or of a file."""
    return connection.execute(select(SourceOffset.source).limit(1)).one_or_none() is not None


@dataclass(frozen=True)
class RunState:
    """How a training run ended, or that it goes on."""

    id: int
    status: str
    error: str | None
    finished_at: datetime | None


def newest_run(connection: Connection, model: str) -> RunState | None:
    """Return the newest training run of a model; ``None`` without one.

    A draft, and a run that was cancelled before its start, are none.
    """
    statement = (
        select(*columns_of(RunState, TrainingRun))
        .where(TrainingRun.model == model, *is_attempt())
        .order_by(TrainingRun.id.desc())
        .limit(1)
    )
    return read_row(connection, RunState, statement)


@dataclass(frozen=True)
class RecommendedRetraining:
    """The decision of a model that counts now, where it recommends to retrain."""

    id: int
    decided_at: datetime
    #: ``None``: it waits for a lead.
    confirmed_at: datetime | None
    has_run: bool
    #: Why its run can't start; empty: not known.
    refusal: str = ""

    @property
    def awaits_lead(self) -> bool:
        """Return whether it is neither confirmed nor begun."""
        return self.confirmed_at is None and not self.has_run


def recommended_retraining(connection: Connection, model: str) -> RecommendedRetraining | None:
    """Return the newest final decision that is open; ``None``: it recommends something else."""
    row = next(iter(standing_decisions(connection, model)), None)
    if row is None or row.recommendation != "retrain":
        return None
    return RecommendedRetraining(
        row.id, row.decided_at, row.confirmed_at, row.has_run, row.refusal or ""
    )


@dataclass(frozen=True)
class QueueState:
    """The review batches of a model that have open items."""

    n_open: int
    #: Creation of the oldest batch of which most items are open.
    oldest_at: datetime | None
    #: The newest batch, review, proposal, message or decision.
    touched_at: datetime


def queue_state(connection: Connection, model: str, since: datetime) -> QueueState | None:
    """Return the state of a model's batches that were created after a time.

    ``None``: no item is open.
    """
    return queue_states(connection, since, model).get(model)


def queue_states(
    connection: Connection, since: datetime, models: Models = None
) -> dict[str, QueueState]:
    """Return the state of the batches that were created after a time, of models with open items."""
    is_open = case((ReviewItem.status.in_(OPEN_ITEMS), 1), else_=0)
    with_open_items = select(ReviewItem.batch_id).where(ReviewItem.status.in_(OPEN_ITEMS))
    batches = connection.execute(
        select(
            ReviewBatch.id,
            ReviewBatch.model,
            ReviewBatch.created_at,
            func.sum(is_open).label("n_open"),
            func.count().label("n"),
        )
        .join(ReviewItem, ReviewItem.batch_id == ReviewBatch.id)
        .where(
            ReviewBatch.id.in_(with_open_items),
            ReviewBatch.created_at >= since,
            *of_models(ReviewBatch.model, models),
        )
        .group_by(ReviewBatch.id, ReviewBatch.model, ReviewBatch.created_at)
    ).all()
    if not batches:
        return {}
    newest = union_all(
        *(
            select(ReviewItem.batch_id, func.max(column).label("at"))
            .join(ReviewItem, ReviewItem.id == column.class_.item_id)
            .where(ReviewItem.batch_id.in_([row.id for row in batches]))
            .group_by(ReviewItem.batch_id)
            for column in (
                Review.submitted_at,
                ReviewProposal.proposed_at,
                ReviewMessage.written_at,
                GoldExample.decided_at,
            )
        )
    )
    touched: dict[int, list[datetime]] = defaultdict(list)
    for batch_id, at in connection.execute(newest):
        touched[batch_id].append(at)
    of_model: dict[str, list[Any]] = defaultdict(list)
    for row in batches:
        of_model[row.model].append(row)
    return {
        model: QueueState(
            n_open=sum(int(row.n_open) for row in rows),
            oldest_at=min((row.created_at for row in rows if 2 * row.n_open > row.n), default=None),
            # A new batch is no work on those that wait.
            touched_at=max(
                [min(row.created_at for row in rows)]
                + [at for row in rows for at in touched[row.id]]
            ),
        )
        for model, rows in of_model.items()
    }
