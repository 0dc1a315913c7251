"""Exchanges of a search for display, and what became of one: review items, runs, window."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from monitor.store.review.training_batches import batches_of_runs
from monitor.store.rows import columns_of, read_rows
from monitor.store.search.query import shown_gold
from monitor.store.tables import (
    DriftEvaluation,
    Exchange,
    GoldExample,
    ReviewItem,
)


@dataclass(frozen=True)
class ExchangeRow:
    """An exchange in a list."""

    id: int
    occurred_at: datetime
    task_type: str
    prompt: str
    response: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class ReviewedItem:
    """A review item of an exchange."""

    item_id: int
    exchange_id: int
    batch_id: int
    #: Of the gold that is shown; ``None``: there is none.
    verdict: str | None


def exchange_rows(connection: Connection, ids: Sequence[int]) -> list[ExchangeRow]:
    """Return exchanges by their ids, in their order; those deleted meanwhile are left out."""
    statement = select(*columns_of(ExchangeRow, Exchange)).where(Exchange.id.in_(ids))
    by_id = {row.id: row for row in read_rows(connection, ExchangeRow, statement)}
    return [by_id[id_] for id_ in ids if id_ in by_id]


def newest_facts(
    connection: Connection, model: str, limit: int
) -> list[tuple[str, dict[str, Any], datetime]]:
    """Return task type, metadata and time of the newest exchanges of a model's traffic."""
    statement = (
        select(Exchange.task_type, Exchange.attributes, Exchange.occurred_at)
        .where(Exchange.model == model, Exchange.baseline_id.is_(None))
        .order_by(Exchange.occurred_at.desc())
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(statement)]


def reviewed_items(connection: Connection, exchange_ids: Sequence[int]) -> list[ReviewedItem]:
    """Return the review items of exchanges."""
    columns = columns_of(
        ReviewedItem, ReviewItem, item_id=ReviewItem.id, verdict=GoldExample.verdict
    )
    statement = (
        select(*columns)
        .outerjoin(GoldExample, shown_gold())
        .where(ReviewItem.exchange_id.in_(exchange_ids))
        .order_by(ReviewItem.id)
    )
    return read_rows(connection, ReviewedItem, statement)


def runs_of_batches(connection: Connection, model: str, batch_ids: Sequence[int]) -> list[int]:
    """Return the training runs that may learn from the gold of one of some batches."""
    runs = batches_of_runs(connection, model)
    return [run_id for run_id, batches in runs.items() if batches.intersection(batch_ids)]


def evaluations_at(connection: Connection, model: str, time: datetime) -> list[int]:
    """Return the drift evaluations of the windows of a model that a time is in."""
    statement = (
        select(DriftEvaluation.id)
        .where(
            DriftEvaluation.model == model,
            DriftEvaluation.window_start <= time,
            DriftEvaluation.window_end > time,
        )
        .order_by(DriftEvaluation.id)
    )
    return list(connection.execute(statement).scalars())
